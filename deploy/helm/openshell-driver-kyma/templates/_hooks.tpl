{{/* Before an install and an upgrade, and gone when it has succeeded. Takes the weight. */}}
{{- define "openshell.hook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}

{{/* Asks the cluster whether it is fit for these settings. Takes a dictionary: root, account. */}}
{{- define "openshell.checkPod" -}}
{{- $root := .root -}}
restartPolicy: Never
serviceAccountName: {{ .account }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "openshell.podSecurity" $root | nindent 2 }}
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: check
    image: {{ include "openshell.driverImage" $root }}
    imagePullPolicy: {{ $root.Values.image.pullPolicy }}
    args:
      - check
      {{- include "openshell.driverArguments" $root | trim | nindent 6 }}
    {{- with $root.Values.driverExtraEnv }}
    env:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    securityContext:
      {{- include "openshell.restricted" $root | nindent 6 }}
      readOnlyRootFilesystem: true
    resources:
      requests: { cpu: 20m, memory: 16Mi }
      limits: { memory: 64Mi }
    volumeMounts:
      - name: driver-socket
        mountPath: /run/openshell
      {{- include "openshell.apiAccessMount" $root | nindent 6 }}
      {{- with $root.Values.driverExtraVolumeMounts }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
volumes:
  - name: driver-socket
    emptyDir: { medium: Memory, sizeLimit: 1Mi }
  {{- include "openshell.apiAccessVolume" $root | nindent 2 }}
  {{- with $root.Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
