// Only files are taken from this module: the definitions of Istio's kinds.
module openshell-driver-kyma/tests/cluster/istio

go 1.26.0

require istio.io/api v1.32.0
