{{/* The options of `mockllm serve`. */}}
{{- define "mockllm.args" -}}
- serve
- {{ printf "--host=%s" .Values.host | toJson }}
- --port={{ .Values.port }}
- --grace={{ .Values.shutdown.graceSeconds }}s
- --seed={{ int64 .Values.seed }}
{{- if .Values.scenarios.git.url }}
- {{ printf "--scenarios=%s" (clean (printf "/srv/scenarios/checkout/%s" .Values.scenarios.git.path)) | toJson }}
{{- else if include "mockllm.configMap" . }}
- --scenarios=/srv/scenarios
{{- end }}
{{- with .Values.packs }}
- {{ printf "--pack=%s" (join "," .) | toJson }}
{{- end }}
{{- range $name, $value := .Values.set }}
- {{ printf "--set=%s=%s" $name (kindIs "string" $value | ternary $value (toJson $value)) | toJson }}
{{- end }}
{{- if .Values.frozen }}
- --frozen
{{- end }}
{{- with .Values.workers }}
- --workers={{ . }}
{{- end }}
{{- if include "mockllm.hasStore" . }}
- --store-failure={{ .Values.store.failure }}
- --store-wait={{ .Values.store.wait }}
{{- end }}
{{- if .Values.tls.secretName }}
- --tls-cert=/etc/mockllm/tls/tls.crt
- --tls-key=/etc/mockllm/tls/tls.key
- --tls-port={{ .Values.tls.port }}
{{- end }}
{{- if .Values.quiet }}
- --quiet
{{- end }}
{{- range .Values.extraArgs }}
- {{ . | toJson }}
{{- end }}
{{- end -}}

{{- define "mockllm.env" -}}
{{- with include "mockllm.tokenSecret" . }}
- name: MOCKLLM_ADMIN_TOKEN
  valueFrom: {secretKeyRef: {name: {{ . }}, key: {{ $.Values.adminToken.key }}}}
{{- end }}
{{- if .Values.store.existingSecret }}
- name: MOCKLLM_STORE
  valueFrom: {secretKeyRef: {name: {{ .Values.store.existingSecret }}, key: url}}
{{- else if .Values.store.url }}
- name: MOCKLLM_STORE
  value: {{ .Values.store.url | quote }}
{{- else if .Values.store.valkey.enabled }}
- name: MOCKLLM_STORE
  value: redis://{{ include "mockllm.fullname" . }}-valkey:6379/0
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "mockllm.serverContainer" -}}
- name: mockllm
  image: {{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  args:
    {{- include "mockllm.args" . | nindent 4 }}
  {{- with include "mockllm.env" . | trim }}
  env:
    {{- . | nindent 4 }}
  {{- end }}
  ports:
    - {name: http, containerPort: {{ .Values.port }}}
    {{- if .Values.tls.secretName }}
    - {name: https, containerPort: {{ .Values.tls.port }}}
    {{- end }}
  {{- with .Values.shutdown.drainSeconds }}
  lifecycle:
    preStop: {sleep: {seconds: {{ . }}}}
  {{- end }}
  {{- range $probe := list "startup" "liveness" "readiness" }}
  {{ $probe }}Probe:
    httpGet: {path: /health, port: http}
    {{- toYaml (index $.Values.probes $probe) | nindent 4 }}
  {{- end }}
  securityContext:
    {{- include "mockllm.containerSecurity" . | nindent 4 }}
  {{- with .Values.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumeMounts:
    - {name: kept, mountPath: /var/lib/mockllm}
    - {name: tmp, mountPath: /tmp}
    {{- if .Values.scenarios.git.url }}
    - {name: scenarios, mountPath: /srv/scenarios}
    {{- else if include "mockllm.configMap" . }}
    - {name: scenarios, mountPath: /srv/scenarios, readOnly: true}
    {{- end }}
    {{- if .Values.tls.secretName }}
    - {name: tls, mountPath: /etc/mockllm/tls, readOnly: true}
    {{- end }}
    {{- if .Values.store.tlsSecret }}
    - {name: store-tls, mountPath: /etc/mockllm/store-tls, readOnly: true}
    {{- end }}
{{- end -}}
