{{/*
What the driver is told, by the names of `driver` in values.yaml, as JSON: what somebody said, and below it what the chart knows. The driver's arguments, the
gateway's configuration, the rights and the policies are all made from this, so that they cannot disagree.
*/}}
{{- define "openshell.settings" -}}
{{- $fullname := include "openshell.fullname" . -}}
{{- $gateway := .Values.gateway -}}
{{- $known := dict
  "socket" "/run/openshell/driver/driver.sock"
  "namespace" .Release.Namespace
  "gatewayId" "openshell"
  "healthPort" 9090
  "workspaceMode" "shared"
  "sandboxServiceAccount" (printf "%s-sandbox" (include "openshell.nameIn" (list . (.Values.driver.namespace | default .Release.Namespace))))
-}}
{{- if $gateway.enabled -}}
{{- $scheme := ternary "https" "http" $gateway.tls.enabled -}}
{{- $_ := set $known "gatewayEndpoint" (printf "%s://%s.%s.svc.cluster.local:%d" $scheme $fullname .Release.Namespace (int $gateway.port)) -}}
{{- if $gateway.tls.enabled -}}
{{- $_ := set $known "clientTlsSecretName" $gateway.tls.clientSecretName -}}
{{- end -}}
{{- if not $gateway.image.digest -}}
{{- $_ := set $known "supervisorImage" (printf "ghcr.io/nvidia/openshell/supervisor:%s" (toString $gateway.image.tag)) -}}
{{- end -}}
{{- end -}}
{{- range $name, $value := .Values.driver -}}
{{- if not (or (kindIs "invalid" $value) (and (kindIs "string" $value) (eq $value "")) (and (kindIs "slice" $value) (empty $value))) -}}
{{- $_ := set $known $name $value -}}
{{- end -}}
{{- end -}}
{{- if not $known.gatewayEndpoint -}}
{{- $scheme := ternary "https" "http" (not (empty $known.clientTlsSecretName)) -}}
{{- $_ := set $known "gatewayEndpoint" (printf "%s://openshell.%s.svc.cluster.local:8080" $scheme $known.namespace) -}}
{{- end -}}
{{- toJson $known -}}
{{- end -}}

{{/* One value as the driver reads it: whole numbers without an exponent, lists with commas. */}}
{{- define "openshell.text" -}}
{{- if kindIs "slice" . -}}
{{- $items := list -}}
{{- range . }}{{ $items = append $items (include "openshell.text" .) }}{{ end -}}
{{- join "," $items -}}
{{- else if and (kindIs "float64" .) (eq (float64 (int64 .)) .) -}}
{{- int64 . -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end -}}

{{/* The driver's arguments: every setting is the flag of that name. */}}
{{- define "openshell.driverArguments" -}}
{{- range $name, $value := include "openshell.settings" . | fromJson }}
- {{ printf "--%s=%s" (kebabcase $name) (include "openshell.text" $value) | quote }}
{{- end }}
{{- end -}}

{{/* By what route sandboxes are reached from outside: apirule, virtualservice, or nothing. */}}
{{- define "openshell.exposure" -}}
{{- $settings := include "openshell.settings" . | fromJson -}}
{{- if $settings.exposure -}}
{{- $settings.exposure -}}
{{- else if eq (toString $settings.enableApirule) "true" -}}
apirule
{{- end -}}
{{- end -}}

{{/* Secrets that managed namespaces get copies of, as a JSON list. */}}
{{- define "openshell.copiedSecrets" -}}
{{- $settings := include "openshell.settings" . | fromJson -}}
{{- $names := list -}}
{{- with $settings.imagePullSecrets }}
{{- if kindIs "slice" . }}{{ $names = . }}{{ else }}{{ $names = splitList "," . }}{{ end -}}
{{- end -}}
{{- with $settings.clientTlsSecretName }}{{ $names = append $names . }}{{ end -}}
{{- $names | uniq | sortAlpha | toJson -}}
{{- end -}}
