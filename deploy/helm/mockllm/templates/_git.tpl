{{/* Clones the repository. Address and ref are variables, so that the shell reads no text of theirs. The
checkout is a folder below the volume, because git refuses a folder that another user owns. */}}
{{- define "mockllm.gitContainer" -}}
- name: scenarios
  image: {{ .Values.scenarios.git.image | quote }}
  command: [sh, -ec]
  args:
    - |
      git init --quiet /srv/scenarios/checkout
      cd /srv/scenarios/checkout
      git -c credential.helper='!f() { echo "username=$GIT_USERNAME"; echo "password=$GIT_PASSWORD"; }; f' \
        fetch --quiet --depth 1 -- "$GIT_URL" "$GIT_REF"
      git -c advice.detachedHead=false checkout --quiet FETCH_HEAD
      git log -1 --format='scenarios: %H %s'
  env:
    - {name: HOME, value: /tmp}
    - {name: GIT_TERMINAL_PROMPT, value: "0"}
    - name: GIT_URL
      value: {{ .Values.scenarios.git.url | quote }}
    - name: GIT_REF
      value: {{ .Values.scenarios.git.ref | quote }}
    {{- with .Values.scenarios.git.secretName }}
    - name: GIT_USERNAME
      valueFrom: {secretKeyRef: {name: {{ . }}, key: username, optional: true}}
    - name: GIT_PASSWORD
      valueFrom: {secretKeyRef: {name: {{ . }}, key: password, optional: true}}
    {{- end }}
  securityContext:
    {{- include "mockllm.containerSecurity" . | nindent 4 }}
  volumeMounts:
    - {name: scenarios, mountPath: /srv/scenarios}
    - {name: tmp, mountPath: /tmp}
{{- end -}}
