{{- define "mockllm.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 53 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "mockllm.selectorLabels" -}}
app.kubernetes.io/name: mockllm
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: server
{{- end -}}

{{- define "mockllm.valkeyLabels" -}}
app.kubernetes.io/name: mockllm
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: store
{{- end -}}

{{- define "mockllm.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* The Secret of the admin token; empty without a token. */}}
{{- define "mockllm.tokenSecret" -}}
{{- if .Values.adminToken.existingSecret -}}
{{- .Values.adminToken.existingSecret -}}
{{- else if .Values.adminToken.value -}}
{{- printf "%s-admin" (include "mockllm.fullname" .) -}}
{{- end -}}
{{- end -}}

{{/* The ConfigMap of the scenarios; empty without one. */}}
{{- define "mockllm.configMap" -}}
{{- if .Values.scenarios.existingConfigMap -}}
{{- .Values.scenarios.existingConfigMap -}}
{{- else if .Values.scenarios.files -}}
{{- printf "%s-scenarios" (include "mockllm.fullname" .) -}}
{{- end -}}
{{- end -}}

{{/* "yes" if replicas and workers share a store. */}}
{{- define "mockllm.hasStore" -}}
{{- if or .Values.store.url .Values.store.existingSecret .Values.store.valkey.enabled -}}yes{{- end -}}
{{- end -}}

{{- define "mockllm.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}
