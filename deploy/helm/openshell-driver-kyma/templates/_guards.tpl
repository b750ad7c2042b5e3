{{/*
What the chart refuses, each with a sentence. Values that only have the wrong form are refused by values.schema.json; flags that contradict each other, by
the driver itself too, in the check before an install.
*/}}
{{- define "openshell.guards" -}}
{{- $settings := include "openshell.settings" . | fromJson -}}
{{- $gateway := .Values.gateway -}}
{{- $exposure := include "openshell.exposure" . -}}

{{/* Dangerous unless said twice. */}}
{{- $dangers := dict -}}
{{- if and $gateway.enabled $gateway.allowUnauthenticatedUsers -}}
{{- $_ := set $dangers "allowUnauthenticatedUsers" "gateway.allowUnauthenticatedUsers lets whoever reaches the gateway create sandboxes; set gateway.oidc.issuer instead" -}}
{{- end -}}
{{- if and $gateway.enabled (not $gateway.tls.enabled) -}}
{{- $_ := set $dangers "plaintextGateway" "gateway.tls.enabled=false has tokens of sandboxes and users cross the network unencrypted" -}}
{{- end -}}
{{- if eq (toString $settings.sandboxPrivileged) "true" -}}
{{- $_ := set $dangers "sandboxPrivileged" "driver.sandboxPrivileged makes every sandbox's container privileged: the devices of its node are then one escape from the supervisor closer" -}}
{{- end -}}
{{- if eq (toString $settings.automountServiceAccountToken) "true" -}}
{{- $_ := set $dangers "automountServiceAccountToken" "driver.automountServiceAccountToken gives agents a token for the Kubernetes API" -}}
{{- end -}}
{{- if eq (toString $settings.allowDriverConfigVolumes) "true" -}}
{{- $_ := set $dangers "allowDriverConfigVolumes" (printf "driver.allowDriverConfigVolumes lets whoever creates sandboxes mount any volume claim of %s" $settings.namespace) -}}
{{- end -}}
{{- if $settings.allowUid -}}
{{- $_ := set $dangers "allowUid" "driver.allowUid lets other users of the pod create privileged pods through the driver" -}}
{{- end -}}
{{- if eq (toString $settings.kubeInsecure) "true" -}}
{{- $_ := set $dangers "kubeInsecure" "driver.kubeInsecure gives the driver's credentials to whoever answers in the API server's place" -}}
{{- end -}}
{{- if and $exposure (eq (toString $settings.apiruleAuth) "none") -}}
{{- $_ := set $dangers "exposureWithoutAuthentication" "driver.apiruleAuth=none opens every sandbox to whoever reaches the cluster's ingress" -}}
{{- end -}}
{{- if ne (toString $settings.enableNetworkPolicy) "true" -}}
{{- $_ := set $dangers "withoutNetworkPolicy" "driver.enableNetworkPolicy=false lets sandboxes reach whatever the cluster's network does; list what they need in driver.networkPolicyEgress instead" -}}
{{- end -}}
{{- range $name, $why := $dangers -}}
{{- if not (has $name $.Values.acknowledge) -}}
{{- fail (printf "%s. If that is meant, add %s to acknowledge" $why $name) -}}
{{- end -}}
{{- end -}}
{{- range .Values.acknowledge -}}
{{- if not (hasKey $dangers .) -}}
{{- fail (printf "acknowledge lists %s, but nothing asks for it: take it out, so that it does not wait for somebody to" .) -}}
{{- end -}}
{{- end -}}

{{/* Contradictions. */}}
{{- if and (not $gateway.enabled) (not .Values.extraContainers) -}}
{{- fail "gateway.enabled=false leaves a driver whom nobody calls: name a gateway of your own in extraContainers, which mounts the volume driver-socket" -}}
{{- end -}}
{{- if and (gt (int .Values.replicas) 1) $gateway.enabled (not $gateway.database.secretName) -}}
{{- fail (printf "replicas=%d needs gateway.database.secretName: each gateway would have a SQLite database of its own and know half of the sandboxes" (int .Values.replicas)) -}}
{{- end -}}
{{- if and .Values.podDisruptionBudget.enabled (lt (int .Values.replicas) 2) -}}
{{- fail "podDisruptionBudget.enabled with one replica would be void, or stop every drain of a node: raise replicas first" -}}
{{- end -}}
{{- if not (include "openshell.serviceAccount" .) -}}
{{- fail "serviceAccount.create=false needs serviceAccount.name: without one the pod would have the rights of the account default" -}}
{{- end -}}
{{- if and (eq (include "openshell.serviceAccount" .) $settings.sandboxServiceAccount) (eq .Release.Namespace $settings.namespace) -}}
{{- fail (printf "driver.sandboxServiceAccount is %s, the account of the driver: sandboxes would have its rights" $settings.sandboxServiceAccount) -}}
{{- end -}}
{{- range list .Release.Namespace $settings.namespace -}}
{{- if or (hasPrefix "kube-" .) (has . (list "default" "istio-system" "kyma-system" "agent-sandbox-system")) -}}
{{- fail (printf "%s is a namespace of the system: sandboxes need one that admits privileged pods, which that must not be; make a namespace for them" .) -}}
{{- end -}}
{{- end -}}
{{- if not (has $settings.workspaceMode (list "shared" "managed")) -}}
{{- fail (printf "driver.workspaceMode is %s: in a pod it is shared or managed. (operator is for a driver outside the cluster: a gateway in it does not start with that)" $settings.workspaceMode) -}}
{{- end -}}
{{- if and (eq $settings.workspaceMode "managed") (not (regexMatch "^[a-z0-9]([a-z0-9-]{0,31}[a-z0-9])?$" $settings.gatewayId)) -}}
{{- fail (printf "driver.gatewayId is %s: with driver.workspaceMode=managed namespaces are named after it, so it must be a DNS label of at most 33 characters" $settings.gatewayId) -}}
{{- end -}}
{{- if not (regexMatch "^/run/openshell/[^/]+/[^/]+$" $settings.socket) -}}
{{- fail (printf "driver.socket is %s: in the pod it must be a file in a directory of its own below /run/openshell, which driver and gateway share" $settings.socket) -}}
{{- end -}}
{{- if eq (toString $settings.healthPort) "off" -}}
{{- fail "driver.healthPort=off leaves kubelet without an answer: the pod's probes need the port" -}}
{{- end -}}
{{- if $settings.healthAddress -}}
{{- fail "driver.healthAddress would hide the health port from kubelet, which comes to the pod's address" -}}
{{- end -}}
{{- if and $settings.kubeconfig (not .Values.driverExtraVolumeMounts) -}}
{{- fail (printf "driver.kubeconfig is %s, which is in no volume: mount it with extraVolumes and driverExtraVolumeMounts" $settings.kubeconfig) -}}
{{- end -}}
{{- if and $settings.recordingDir (not .Values.driverExtraVolumeMounts) -}}
{{- fail (printf "driver.recordingDir is %s, which is in no volume, and the driver's root is read-only: mount one there with extraVolumes and driverExtraVolumeMounts, such as an emptyDir with a sizeLimit of 256Mi" $settings.recordingDir) -}}
{{- end -}}
{{- if $gateway.enabled -}}
{{- $ports := list (int $gateway.port) (int $gateway.healthPort) (int $gateway.metricsPort) (int $settings.healthPort) -}}
{{- if ne (len ($ports | uniq)) 4 -}}
{{- fail (printf "gateway.port, gateway.healthPort, gateway.metricsPort and driver.healthPort (%s) must differ: they are in one pod" (join ", " $ports)) -}}
{{- end -}}
{{- if and (not $gateway.image.digest) (regexMatch "^v?(0\\.[1-9]|[1-9])" (toString $gateway.image.tag)) -}}
{{- fail (printf "gateway.image.tag is %s: from 0.1 on gateways expect another kind of sandbox; this driver serves 0.0.91 to 0.0.116" (toString $gateway.image.tag)) -}}
{{- end -}}
{{- range list "compute_driver" "[openshell.drivers" "[openshell.gateway.gateway_jwt]" "[openshell.gateway.auth]" "[openshell.gateway.tls]" "[openshell.gateway.oidc]" -}}
{{- if contains . $gateway.extraConfig -}}
{{- fail (printf "gateway.extraConfig has %s, which the chart writes itself, so that driver and gateway cannot disagree: use the values" .) -}}
{{- end -}}
{{- end -}}
{{- range $gateway.extraEnv -}}
{{- if has .name (list "OPENSHELL_DRIVERS" "OPENSHELL_COMPUTE_DRIVER_SOCKET" "OPENSHELL_GATEWAY_CONFIG" "OPENSHELL_GATEWAY_ID" "OPENSHELL_DISABLE_TLS" "OPENSHELL_DB_URL") -}}
{{- fail (printf "gateway.extraEnv sets %s, which would win over the configuration that driver and gateway share: use the values" .name) -}}
{{- end -}}
{{- end -}}
{{- if and $gateway.tls.enabled (hasPrefix "http:" $settings.gatewayEndpoint) -}}
{{- fail (printf "driver.gatewayEndpoint is %s, but the gateway speaks TLS (gateway.tls.enabled)" $settings.gatewayEndpoint) -}}
{{- end -}}
{{- if and (not $gateway.tls.enabled) (hasPrefix "https:" $settings.gatewayEndpoint) -}}
{{- fail (printf "driver.gatewayEndpoint is %s, but the gateway speaks no TLS (gateway.tls.enabled=false)" $settings.gatewayEndpoint) -}}
{{- end -}}
{{- end -}}
{{- if and $exposure (not $settings.apiruleAuth) -}}
{{- fail "sandboxes are to be exposed, but driver.apiruleAuth does not say who is let through: jwt, ext-auth or none" -}}
{{- end -}}
{{- if and (eq $exposure "apirule") (ne (toString $settings.istioInjectSandboxes) "true") -}}
{{- fail "driver.enableApirule needs driver.istioInjectSandboxes=true: Kyma refuses an APIRule for a pod without a sidecar; or choose driver.exposure=virtualservice" -}}
{{- end -}}
{{- if and (eq $exposure "virtualservice") (ne (toString $settings.apiruleAuth) "none") -}}
{{- fail "driver.exposure=virtualservice asks nobody who they are, so only driver.apiruleAuth=none goes with it" -}}
{{- end -}}
{{- if .Values.requireDigests -}}
{{- $images := dict "image" (include "openshell.driverImage" .) -}}
{{- if $gateway.enabled -}}
{{- $_ := set $images "gateway.image" (include "openshell.image" (list $gateway.image "")) -}}
{{- end -}}
{{- range list "sandboxImage" "supervisorImage" -}}
{{- $_ := set $images (printf "driver.%s" .) (get $settings . | default "the driver's default") -}}
{{- end -}}
{{- range $value, $image := $images -}}
{{- if not (contains "@sha256:" $image) -}}
{{- fail (printf "requireDigests is set, and %s is %s, which is no digest" $value $image) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
