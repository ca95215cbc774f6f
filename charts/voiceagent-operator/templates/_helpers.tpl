{{- /* With --reuse-values helm gives a newer chart the older one's values, without those that are new. */}}
{{- define "voiceagent.whole" -}}
{{- if not (hasKey .Values "commonLabels") -}}
{{- fail "The values are those of an older version of this chart: upgrade with --reset-then-reuse-values in place of --reuse-values." -}}
{{- end -}}
{{- end -}}

{{- define "voiceagent.name" -}}
{{- include "voiceagent.whole" . -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- /* Of what exists once in a cluster: neither release nor namespace can have a colon, so that no two are the same. */}}
{{- define "voiceagent.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "voiceagent.name" .) -}}
{{- end -}}

{{- define "voiceagent.labels" -}}
{{- include "voiceagent.whole" . -}}
{{- $labels := dict
  "app.kubernetes.io/part-of" "voiceagent-operator"
  "app.kubernetes.io/instance" .Release.Name
  "app.kubernetes.io/version" .Chart.AppVersion
  "app.kubernetes.io/managed-by" .Release.Service
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version)
-}}
{{- toYaml (merge $labels .Values.commonLabels) -}}
{{- end -}}

{{- /* Metadata of an object: root, name, and as needed namespace ("" for none), labels and annotations. */}}
{{- define "voiceagent.metadata" -}}
{{- $namespace := .root.Release.Namespace -}}
{{- if hasKey . "namespace" -}}{{- $namespace = .namespace -}}{{- end -}}
name: {{ .name }}
{{- with $namespace }}
namespace: {{ . }}
{{- end }}
labels: {{- toYaml (merge (dict) (default dict .labels) (include "voiceagent.labels" .root | fromYaml)) | nindent 2 }}
{{- with merge (dict) (default dict .annotations) .root.Values.commonAnnotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "voiceagent.selector" -}}
app.kubernetes.io/name: {{ .component }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end -}}

{{- define "voiceagent.image" -}}
{{- $registry := .image.registry | default (default dict .root.Values.global).imageRegistry -}}
{{- with $registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{ .image.repository }}{{ with .image.variant }}-{{ . }}{{ end }}
{{- if .image.digest }}@{{ .image.digest }}{{ else }}:{{ .image.tag | default .root.Chart.AppVersion }}{{ end -}}
{{- end -}}

{{- define "voiceagent.pullSecrets" -}}
{{- with concat (default list (default dict .Values.global).imagePullSecrets) .Values.imagePullSecrets | uniq }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* The name of a part's ServiceAccount: root, part (its values), name (that of its Deployment). */}}
{{- define "voiceagent.serviceAccountName" -}}
{{- if and (not .part.serviceAccount.create) (not .part.serviceAccount.name) -}}
{{- fail (printf "serviceAccount.create is false and names none: set serviceAccount.name to one that is there, for %s." .name) -}}
{{- end -}}
{{- .part.serviceAccount.name | default .name -}}
{{- end -}}

{{- define "voiceagent.livekitURL" -}}
{{- if .Values.livekit.url -}}
{{- .Values.livekit.url -}}
{{- else if .Values.livekitServer.enabled -}}
{{- printf "ws://%s-livekit.%s.svc:%d" (include "voiceagent.name" .) .Release.Namespace (int .Values.livekitServer.ports.signal) -}}
{{- end -}}
{{- end -}}
