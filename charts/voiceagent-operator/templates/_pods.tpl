{{- /* What the pods of operator and gateway have in common. All take root, part (the part's values) and component. */}}

{{- define "voiceagent.podMetadata" -}}
labels:
  {{- toYaml (merge
    (include "voiceagent.selector" . | fromYaml)
    (dict "app.kubernetes.io/part-of" "voiceagent-operator")
    .part.podLabels .root.Values.commonLabels) | nindent 2 }}
annotations:
  {{- toYaml (merge
    (dict "checksum/install" (include (print .root.Template.BasePath "/install.yaml") .root | sha256sum | trunc 16))
    .part.podAnnotations .root.Values.commonAnnotations) | nindent 2 }}
{{- end -}}

{{- define "voiceagent.placement" -}}
{{- $selector := include "voiceagent.selector" . | fromYaml -}}
{{- with .part.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .part.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .part.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
affinity:
  {{- with .part.affinity }}
  {{- toYaml . | nindent 2 }}
  {{- else }}
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels: {{- toYaml $selector | nindent 14 }}
  {{- end }}
{{- with .part.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  - {{- toYaml (merge (dict) . (dict "labelSelector" (dict "matchLabels" $selector))) | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}

{{- /*
Proxies in both spellings, since some programs know only one, and the authorities for OpenSSL, requests and gRPC; but for
what the part's extraEnv says itself, since no name may be there twice.
*/}}
{{- define "voiceagent.network" -}}
{{- $proxy := .root.Values.proxy -}}
{{- $named := dict -}}
{{- if or $proxy.http $proxy.https -}}
{{- $direct := concat (list "$(KUBERNETES_SERVICE_HOST)" "localhost" "127.0.0.1" ".svc" ".cluster.local") $proxy.noProxy -}}
{{- range $name, $value := dict "HTTP_PROXY" $proxy.http "HTTPS_PROXY" $proxy.https "NO_PROXY" (join "," $direct) -}}
{{- if $value -}}
{{- $_ := set $named $name $value -}}
{{- $_ := set $named (lower $name) $value -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if .root.Values.caBundle.configMapName -}}
{{- range list "SSL_CERT_FILE" "REQUESTS_CA_BUNDLE" "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH" -}}
{{- $_ := set $named . (printf "/etc/voiceagents-ca/%s" $.root.Values.caBundle.key) -}}
{{- end -}}
{{- end -}}
{{- range .part.extraEnv -}}
{{- $_ := unset $named .name -}}
{{- end -}}
{{- range $name, $value := $named }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end -}}

{{- define "voiceagent.mounts" -}}
- {name: install, mountPath: /etc/voiceagents, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- if .root.Values.caBundle.configMapName }}
- {name: ca-bundle, mountPath: /etc/voiceagents-ca, readOnly: true}
{{- end }}
{{- with .part.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "voiceagent.volumes" -}}
- name: install
  configMap: {name: {{ include "voiceagent.name" .root }}-install}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
{{- with .root.Values.caBundle.configMapName }}
- name: ca-bundle
  configMap: {name: {{ . | quote }}}
{{- end }}
{{- with .part.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* The ServiceAccount of a part, where it is to be made. */}}
{{- define "voiceagent.serviceAccount" -}}
{{- if .part.serviceAccount.create }}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "voiceagent.metadata" (dict "root" .root "name" (include "voiceagent.serviceAccountName" .) "annotations" .part.serviceAccount.annotations) | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "voiceagent.podDisruptionBudget" -}}
{{- if .part.podDisruptionBudget.enabled }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{- include "voiceagent.metadata" (dict "root" .root "name" .name) | nindent 2 }}
spec:
  maxUnavailable: {{ .part.podDisruptionBudget.maxUnavailable }}
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{- include "voiceagent.selector" . | nindent 6 }}
{{- end }}
{{- end -}}
