{{/* A list that may be written with commas, as JSON. */}}
{{- define "openshell.listOf" -}}
{{- if kindIs "slice" . -}}{{- toJson . -}}{{- else if . -}}{{- splitList "," (toString .) | toJson -}}{{- else -}}[]{{- end -}}
{{- end -}}

{{/* Where the gateway's pods are, as a peer: what the driver reads from --gateway-endpoint. */}}
{{- define "openshell.endpointPeer" -}}
{{- $scheme := first (splitList "://" .) -}}
{{- $authority := last (splitList "://" .) | trimSuffix "/" -}}
{{- $port := ternary "443" "80" (eq $scheme "https") -}}
{{- $host := $authority -}}
{{- if regexMatch ":[0-9]+$" $authority -}}
{{- $port = regexFind "[0-9]+$" $authority -}}
{{- $host = regexReplaceAll ":[0-9]+$" $authority "" -}}
{{- end -}}
{{- $labels := splitList "." $host -}}
{{- if hasPrefix "[" $host -}}
{{- printf "[%s/128]:%s" (trimAll "[]" $host) $port -}}
{{- else if regexMatch "^[0-9.]+$" $host -}}
{{- printf "%s/32:%s" $host $port -}}
{{- else if and (ge (len $labels) 3) (eq (index $labels 2) "svc") -}}
{{- printf "%s:%s" (index $labels 1) $port -}}
{{- end -}}
{{- end -}}

{{/*
A rule of a policy for one peer. Takes a list: "to" or "from", and the peer. A range that contains the link-local addresses is given without them: there
clouds tell a node its credentials. These are all the ranges that do.
*/}}
{{- define "openshell.peerRule" -}}
{{- $peer := index . 1 -}}
{{- $place := $peer -}}
{{- $port := "" -}}
{{- if hasPrefix "[" $peer -}}
{{- $place = regexFind "[^\\[\\]]+" $peer -}}
{{- $port = trimPrefix ":" (last (splitList "]" $peer)) -}}
{{- else if eq (len (splitList ":" $peer)) 2 -}}
{{- $place = first (splitList ":" $peer) -}}
{{- $port = last (splitList ":" $peer) -}}
{{- end -}}
{{- $containing := list "0.0.0.0/0" "128.0.0.0/1" "128.0.0.0/2" "160.0.0.0/3" "160.0.0.0/4" "168.0.0.0/5" "168.0.0.0/6" "168.0.0.0/7" "169.0.0.0/8" "169.128.0.0/9" "169.192.0.0/10" "169.224.0.0/11" "169.240.0.0/12" "169.248.0.0/13" "169.252.0.0/14" "169.254.0.0/15" -}}
- {{ index . 0 }}:
    {{- if contains "/" $place }}
    - ipBlock:
        cidr: {{ $place | quote }}
        {{- if has $place $containing }}
        except: [169.254.0.0/16]
        {{- end }}
    {{- else }}
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: {{ $place }}
    {{- end }}
  {{- with $port }}
  ports:
    - { port: {{ first (splitList "/" .) }}, protocol: {{ ternary "UDP" "TCP" (hasSuffix "/udp" .) }} }
  {{- end }}
{{- end -}}
