{{/* Values that contradict each other, which a schema cannot say as clearly. */}}
{{- define "mockllm.check" -}}
{{- $sources := list -}}
{{- if .Values.scenarios.files }}{{ $sources = append $sources "scenarios.files" }}{{ end -}}
{{- if .Values.scenarios.existingConfigMap }}{{ $sources = append $sources "scenarios.existingConfigMap" }}{{ end -}}
{{- if .Values.scenarios.git.url }}{{ $sources = append $sources "scenarios.git.url" }}{{ end -}}
{{- if gt (len $sources) 1 -}}
{{- fail (printf "scenarios come from one place, but these are set: %s" (join ", " $sources)) -}}
{{- end -}}
{{- if has ".." (splitList "/" .Values.scenarios.git.path) -}}
{{- fail (printf "scenarios.git.path is outside of the repository: %s" .Values.scenarios.git.path) -}}
{{- end -}}
{{- $git := .Values.scenarios.git -}}
{{- if and (not $git.url) (or (ne $git.ref "HEAD") (ne $git.path ".") $git.secretName) -}}
{{- fail "scenarios.git has no url, so its ref, path and secretName would be ignored: set scenarios.git.url" -}}
{{- end -}}
{{- $stores := list -}}
{{- if .Values.store.url }}{{ $stores = append $stores "store.url" }}{{ end -}}
{{- if .Values.store.existingSecret }}{{ $stores = append $stores "store.existingSecret" }}{{ end -}}
{{- if .Values.store.valkey.enabled }}{{ $stores = append $stores "store.valkey.enabled" }}{{ end -}}
{{- if gt (len $stores) 1 -}}
{{- fail (printf "there is one store, but these are set: %s" (join ", " $stores)) -}}
{{- end -}}
{{- if and .Values.adminToken.existingSecret .Values.adminToken.value -}}
{{- fail "adminToken.existingSecret and adminToken.value: set only one of them" -}}
{{- end -}}
{{- if and .Values.podMonitor.enabled (not (include "mockllm.tokenSecret" .)) -}}
{{- fail "podMonitor.enabled needs a token for /metrics: set adminToken.existingSecret or adminToken.value" -}}
{{- end -}}
{{- if and .Values.tls.secretName (eq (int .Values.tls.port) (int .Values.port)) -}}
{{- fail (printf "port and tls.port are both %d" (int .Values.port)) -}}
{{- end -}}
{{- if and .Values.tls.secretName (eq (int .Values.tls.servicePort) (int .Values.service.port)) -}}
{{- fail (printf "service.port and tls.servicePort are both %d" (int .Values.service.port)) -}}
{{- end -}}
{{- $selector := include "mockllm.selectorLabels" . | fromYaml -}}
{{- range $name, $value := .Values.podLabels -}}
{{- if hasKey $selector $name -}}
{{- fail (printf "podLabels may not set %s: the Service selects pods by it" $name) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- fail "ingress.enabled needs a host: ingress.hosts: [mockllm.example.com]" -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) -}}
{{- fail (printf "autoscaling.minReplicas is %d, above autoscaling.maxReplicas, %d" (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) -}}
{{- end -}}
{{- end -}}
