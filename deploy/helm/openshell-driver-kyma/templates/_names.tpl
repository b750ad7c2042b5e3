{{/* What everything is called. */}}
{{- define "openshell.fullname" -}}
{{- .Values.fullnameOverride | default .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* What is in no namespace has the namespace in its name: releases of one name in two namespaces must not meet. */}}
{{- define "openshell.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "openshell.fullname" .) | trunc 100 | trimSuffix "-" -}}
{{- end -}}

{{/* What is in a namespace that is the release's own, or others' too. Takes a list: the root, the namespace. */}}
{{- define "openshell.nameIn" -}}
{{- $root := index . 0 -}}
{{- if eq (index . 1) $root.Release.Namespace -}}
{{- include "openshell.fullname" $root -}}
{{- else -}}
{{- include "openshell.clusterName" $root -}}
{{- end -}}
{{- end -}}

{{- define "openshell.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "openshell.labels" -}}
{{ include "openshell.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "openshell.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "openshell.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* An image by digest where there is one, otherwise by tag. Takes a list: the image, the tag that holds where it says none. */}}
{{- define "openshell.image" -}}
{{- $image := index . 0 -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository ($image.tag | default (index . 1) | toString) -}}
{{- end -}}
{{- end -}}

{{- define "openshell.driverImage" -}}
{{- include "openshell.image" (list .Values.image .Chart.AppVersion) -}}
{{- end -}}

{{/* What restricts every container of ours. */}}
{{- define "openshell.restricted" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "openshell.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ int64 .Values.runAsUser }}
runAsGroup: {{ int64 .Values.runAsGroup }}
fsGroup: {{ int64 .Values.runAsGroup }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}
