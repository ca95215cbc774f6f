{{- /* The port of an address, with that of its scheme where it names none; nothing for no address. */}}
{{- define "voiceagent.port" -}}
{{- with . -}}
{{- $address := urlParse . -}}
{{- $own := regexFind ":[0-9]+$" $address.host | trimPrefix ":" -}}
{{- $usual := get (dict "http" "80" "ws" "80" "https" "443" "wss" "443" "redis" "6379" "rediss" "6379") $address.scheme -}}
{{- $own | default $usual -}}
{{- end -}}
{{- end -}}

{{- /* What both operator and gateway reach: root, and the addresses that the part knows of. */}}
{{- define "voiceagent.egress" -}}
{{- $policy := .root.Values.networkPolicy -}}
# Names.
- ports:
    {{- range $policy.dnsPorts }}
    - {port: {{ . }}, protocol: UDP}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
  {{- with $policy.dnsPeers }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
# The API server.
- ports:
    {{- range $policy.apiServer.ports }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
  {{- with $policy.apiServer.cidrs }}
  to:
    {{- range . }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
  {{- end }}
# The worker pods of all agents that are served.
- ports:
    - {port: 8080, protocol: TCP}
  to:
    - namespaceSelector:
        {{- with .root.Values.operator.namespaces }}
        matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: {{ toJson . }}}]
        {{- else }}
        {}
        {{- end }}
      podSelector:
        matchLabels: {app.kubernetes.io/name: voiceagent, app.kubernetes.io/component: worker}
{{- $ports := list -}}
{{- range concat .addresses (list .root.Values.proxy.http .root.Values.proxy.https) -}}
{{- $ports = append $ports (include "voiceagent.port" .) -}}
{{- end -}}
{{- with $ports | compact | uniq | sortAlpha }}
# The addresses that the chart's values name, wherever they are.
- ports:
    {{- range . }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
{{- end }}
{{- end -}}

{{- /* Who may reach a part's port: allowed (peers; nobody named is anybody), root, port. */}}
{{- define "voiceagent.ingress" -}}
- ports:
    - {port: {{ .port }}, protocol: TCP}
  {{- if .allowed }}
  from:
    {{- toYaml .allowed | nindent 4 }}
    # `helm test`
    - podSelector:
        matchLabels: {{- include "voiceagent.selector" (dict "root" .root "component" "voiceagent-test") | nindent 10 }}
  {{- end }}
{{- end -}}
