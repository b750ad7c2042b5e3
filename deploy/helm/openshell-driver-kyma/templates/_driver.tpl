{{/* The token for the API server, mounted where clients look for it, into the containers that need one and no others. */}}
{{- define "openshell.apiAccessVolume" -}}
- name: api-access
  projected:
    defaultMode: 288 # 0440
    sources:
      - serviceAccountToken:
          path: token
          expirationSeconds: 3600
      - configMap:
          name: kube-root-ca.crt
          items:
            - { key: ca.crt, path: ca.crt }
      - downwardAPI:
          items:
            - path: namespace
              fieldRef: { fieldPath: metadata.namespace }
{{- end -}}

{{- define "openshell.apiAccessMount" -}}
- name: api-access
  mountPath: /var/run/secrets/kubernetes.io/serviceaccount
  readOnly: true
{{- end -}}

{{/* The driver's container. It is a sidecar: ready before the gateway starts, and there until the gateway has ended. */}}
{{- define "openshell.driverContainer" -}}
{{- $settings := include "openshell.settings" . | fromJson -}}
name: driver
image: {{ include "openshell.driverImage" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
restartPolicy: Always
args:
  {{- include "openshell.driverArguments" . | trim | nindent 2 }}
{{- with .Values.driverExtraEnv }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - name: driver-health
    containerPort: {{ int $settings.healthPort }}
    protocol: TCP
# The gateway starts when the driver listens: it waits 30 seconds for it and then gives up.
startupProbe:
  httpGet: { path: /healthz, port: driver-health }
  periodSeconds: 2
  timeoutSeconds: 3
  failureThreshold: 15
livenessProbe:
  httpGet: { path: /healthz, port: driver-health }
  periodSeconds: 10
  timeoutSeconds: 3
readinessProbe:
  httpGet: { path: /readyz, port: driver-health }
  periodSeconds: 5
  timeoutSeconds: 3
securityContext:
  {{- include "openshell.restricted" . | nindent 2 }}
  readOnlyRootFilesystem: true
resources:
  {{- toYaml .Values.driverResources | nindent 2 }}
volumeMounts:
  - name: driver-socket
    mountPath: /run/openshell
  {{- include "openshell.apiAccessMount" . | nindent 2 }}
  {{- with .Values.driverExtraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* The gateway's container. */}}
{{- define "openshell.gatewayContainer" -}}
{{- $gateway := .Values.gateway -}}
name: gateway
image: {{ include "openshell.image" (list $gateway.image "") }}
imagePullPolicy: {{ $gateway.image.pullPolicy }}
args:
  - --config=/etc/openshell/gateway.toml
  {{- if not $gateway.database.secretName }}
  - --db-url=sqlite:/var/openshell/openshell.db
  {{- end }}
env:
  - name: OPENSHELL_REPLICA_ID
    valueFrom:
      fieldRef: { fieldPath: metadata.name }
  {{- if $gateway.database.secretName }}
  - name: OPENSHELL_DB_URL
    valueFrom:
      secretKeyRef: { name: {{ $gateway.database.secretName }}, key: uri }
  {{- end }}
  {{- with $gateway.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
ports:
  - { name: grpc, containerPort: {{ int $gateway.port }}, protocol: TCP }
  - { name: health, containerPort: {{ int $gateway.healthPort }}, protocol: TCP }
  - { name: metrics, containerPort: {{ int $gateway.metricsPort }}, protocol: TCP }
startupProbe:
  httpGet: { path: /healthz, port: health }
  periodSeconds: 2
  failureThreshold: 30
livenessProbe:
  httpGet: { path: /healthz, port: health }
  periodSeconds: 10
  timeoutSeconds: 3
readinessProbe:
  httpGet: { path: /readyz, port: health }
  periodSeconds: 5
  timeoutSeconds: 3
securityContext:
  {{- include "openshell.restricted" . | nindent 2 }}
  readOnlyRootFilesystem: {{ $gateway.readOnlyRootFilesystem }}
resources:
  {{- toYaml $gateway.resources | nindent 2 }}
volumeMounts:
  - name: driver-socket
    mountPath: /run/openshell
  # One file, not a directory: the gateway reads no configuration through a symbolic link.
  - name: gateway-config
    mountPath: /etc/openshell/gateway.toml
    subPath: gateway.toml
    readOnly: true
  - name: jwt-keys
    mountPath: /etc/openshell-jwt
    readOnly: true
  {{- if $gateway.tls.enabled }}
  - name: server-tls
    mountPath: /etc/openshell-tls/server
    readOnly: true
  {{- end }}
  {{- if not $gateway.database.secretName }}
  - name: data
    mountPath: /var/openshell
  {{- end }}
  - name: tmp
    mountPath: /tmp
  {{- include "openshell.apiAccessMount" . | nindent 2 }}
{{- end -}}
