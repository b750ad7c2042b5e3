{{/*
The driver's rights, rule by rule what src/preflight/permissions.rs lists for the same flags; tests/chart compares the two, and both with what the driver
does. Takes the root. Each definition gives the rules of one scope, or nothing.
*/}}

{{/* Where sandboxes are: a Role in their namespace, or with managed workspaces a ClusterRole. */}}
{{- define "openshell.rules.sandboxes" -}}
{{- $settings := include "openshell.settings" . | fromJson -}}
{{- $exposure := include "openshell.exposure" . -}}
# A sandbox is a Sandbox: made, observed, stopped and started, deleted.
- apiGroups: [agents.x-k8s.io]
  resources: [sandboxes]
  verbs: [create, delete, get, list, patch, watch]
# Why a sandbox is not ready is read from its pod; a stop is answered when a live look shows that the pod is gone.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
# Users are told what happens to their sandbox.
- apiGroups: [""]
  resources: [events]
  verbs: [list, watch]
{{- if has ($settings.sandboxCredential | default "projected") (list "token" "both") }}
# The gateway's token of a sandbox is put into a Secret, and never read back (driver.sandboxCredential).
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
{{- end }}
{{- if $exposure }}
# A sandbox is reached from outside by what follows its Sandbox and goes with it (driver.enableApirule, driver.exposure).
- apiGroups: [""]
  resources: [services]
  verbs: [create, get, list, patch, watch]
{{- end }}
{{- if eq $exposure "apirule" }}
- apiGroups: [gateway.kyma-project.io]
  resources: [apirules]
  verbs: [create, get, list, patch, watch]
{{- else if eq $exposure "virtualservice" }}
- apiGroups: [networking.istio.io]
  resources: [virtualservices]
  verbs: [create, get, list, patch, watch]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [create, get, list, patch, watch]
{{- end }}
{{- end -}}

{{/* In the namespace of sandboxes, where all share it. */}}
{{- define "openshell.rules.namespace" -}}
{{- $settings := include "openshell.settings" . | fromJson -}}
{{- if eq $settings.workspaceMode "shared" -}}
{{ include "openshell.rules.sandboxes" . }}
# A namespace that refuses the supervisor's capabilities is found at the start, not by users.
- apiGroups: [""]
  resources: [namespaces]
  resourceNames: [{{ $settings.namespace }}]
  verbs: [get]
{{- end -}}
{{- end -}}

{{/* In the whole cluster. */}}
{{- define "openshell.rules.cluster" -}}
{{- $settings := include "openshell.settings" . | fromJson -}}
{{- if eq $settings.workspaceMode "managed" }}
{{ include "openshell.rules.sandboxes" . }}
# Each workspace has a namespace, which is made with it, labelled for the supervisor, and deleted with it (driver.workspaceMode).
- apiGroups: [""]
  resources: [namespaces]
  verbs: [create, delete, get, patch]
{{- if ne $settings.sandboxServiceAccount "default" }}
# Pods of a workspace have a service account there.
- apiGroups: [""]
  resources: [serviceaccounts]
  verbs: [create]
{{- end }}
{{- $secrets := include "openshell.copiedSecrets" . | fromJsonArray }}
{{- if $secrets }}
# Each workspace has copies of these secrets (driver.imagePullSecrets, driver.clientTlsSecretName). Creating cannot be restricted by name.
{{- if not (has ($settings.sandboxCredential | default "projected") (list "token" "both")) }}
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
{{- end }}
- apiGroups: [""]
  resources: [secrets]
  resourceNames: {{ toJson $secrets }}
  verbs: [get, patch]
{{- end }}
{{- if eq (toString $settings.enableNetworkPolicy) "true" }}
# Sandboxes of each workspace are shut in by a network policy (driver.enableNetworkPolicy).
{{- if ne (include "openshell.exposure" .) "virtualservice" }}
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [create]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  resourceNames: [openshell-sandboxes]
  verbs: [get, patch]
{{- end }}
{{- end }}
{{- end }}
{{- if and (ne (toString $settings.gpuSupport) "false") (ne (toString $settings.gpuScaleFromZero) "true") }}
# A request for GPUs is refused at once where no node has so many (driver.gpuSupport, driver.gpuScaleFromZero).
- apiGroups: [""]
  resources: [nodes]
  verbs: [list]
{{- end }}
{{- end -}}

{{/* Where the Istio Gateway is, whose domain is read: its namespace, and nothing where the domain is said. */}}
{{- define "openshell.istioGateway" -}}
{{- $settings := include "openshell.settings" . | fromJson -}}
{{- if and (include "openshell.exposure" .) (not $settings.clusterDomain) -}}
{{- $settings.apiruleGateway | default "kyma-system/kyma-gateway" -}}
{{- end -}}
{{- end -}}

{{/*
Roles and bindings of the driver for one account. Takes a dictionary: root, suffix (of the names), account, and annotations (a text, may be empty).
*/}}
{{- define "openshell.driverRoles" -}}
{{- $root := .root -}}
{{- $settings := include "openshell.settings" $root | fromJson -}}
{{- $scopes := list (dict "name" (printf "%s-%s" (include "openshell.nameIn" (list $root $settings.namespace)) .suffix) "namespace" $settings.namespace "rules" (include "openshell.rules.namespace" $root)) -}}
{{- $scopes = append $scopes (dict "name" (printf "%s-%s" (include "openshell.clusterName" $root) .suffix) "namespace" "" "rules" (include "openshell.rules.cluster" $root)) -}}
{{- with include "openshell.istioGateway" $root -}}
{{- $parts := splitList "/" . -}}
{{- $rules := printf "# The domain of hosts is read from the Istio Gateway, where driver.clusterDomain does not say it.\n- apiGroups: [networking.istio.io]\n  resources: [gateways]\n  resourceNames: [%s]\n  verbs: [get]" (last $parts) -}}
{{- $scopes = append $scopes (dict "name" (printf "%s-%s" (include "openshell.clusterName" $root) $.suffix) "namespace" (first $parts) "rules" $rules) -}}
{{- end -}}
{{- range $scopes }}
{{- if trim .rules }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ ternary "Role" "ClusterRole" (ne .namespace "") }}
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "openshell.labels" $root | nindent 4 }}
  {{- with $.annotations }}
  annotations:
    {{- . | nindent 4 }}
  {{- end }}
rules:
  {{- trim .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ ternary "RoleBinding" "ClusterRoleBinding" (ne .namespace "") }}
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "openshell.labels" $root | nindent 4 }}
  {{- with $.annotations }}
  annotations:
    {{- . | nindent 4 }}
  {{- end }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ ternary "Role" "ClusterRole" (ne .namespace "") }}
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ $.account }}
    namespace: {{ $root.Release.Namespace }}
{{- end }}
{{- end }}
{{- end -}}
