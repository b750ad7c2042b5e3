// Package monitoring names the Go types from which the definitions of the Prometheus Operator's kinds are made.
package monitoring

import _ "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
