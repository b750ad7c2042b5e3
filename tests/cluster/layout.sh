# shellcheck shell=bash
# What the cluster is made of and where the built programs lie. Sourced by the scripts beside it.
# shellcheck disable=SC2034 # what is only set here is read there

cluster_root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=versions.env
. "$cluster_root/versions.env"

# The release of Kubernetes' staging modules that belongs to v1.MINOR.PATCH.
staging_version=v0.${KUBERNETES#v1.}

cluster_cache=${OPENSHELL_KYMA_CLUSTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/openshell-driver-kyma/cluster}
mkdir -p "$cluster_cache"
cluster_cache=$(cd -- "$cluster_cache" && pwd)

# What ./up starts.
components=(etcd kube-apiserver kube-controller-manager agent-sandbox-controller agent-sandbox-controller-v1alpha1 istio kubelet controlplane)
# What ./build makes only when it is named, and ./tool runs.
tools=(kubectl helm promtool)

# describe COMPONENT: sets `module` (our folder), `package` (what is built there), `version`, `linker_flags`, `tags`; and
# for what is no program but a file of resource definitions, `definitions` (their names).
describe() {
  linker_flags='-s -w' tags= definitions=
  case $1 in
    etcd)
      module=etcd package=go.etcd.io/etcd/server/v3 version=$ETCD ;;
    kube-apiserver | kube-controller-manager | kubectl)
      module=kubernetes package=k8s.io/kubernetes/cmd/$1 version=$KUBERNETES
      # What it needs beyond the servers is no reason to build those again.
      if [[ $1 == kubectl ]]; then module=kubectl; fi
      linker_flags+=" -X k8s.io/component-base/version.gitVersion=$KUBERNETES" ;;
    agent-sandbox-controller | agent-sandbox-controller-v1alpha1)
      module=$1 package=sigs.k8s.io/agent-sandbox/cmd/agent-sandbox-controller version=$AGENT_SANDBOX
      if [[ $1 == *-v1alpha1 ]]; then version=$AGENT_SANDBOX_V1ALPHA1; fi
      linker_flags+=" -X sigs.k8s.io/agent-sandbox/internal/version.gitVersion=$version" ;;
    istio)
      module=istio package= version=$ISTIO
      definitions='gateways.networking.istio.io virtualservices.networking.istio.io' ;;
    helm)
      module=helm package=helm.sh/helm/v4/cmd/helm version=$HELM
      linker_flags+=" -X helm.sh/helm/v4/internal/version.version=$HELM" ;;
    promtool)
      module=prometheus package=github.com/prometheus/prometheus/cmd/promtool version=$PROMETHEUS
      # It checks rules and metrics here; finding targets in a dozen clouds would take most of the build.
      tags=remove_all_sd
      linker_flags+=" -X github.com/prometheus/common/version.Version=$PROMETHEUS" ;;
    kubelet | controlplane)
      module=$1 package=. version=ours ;;
    *)
      echo "cluster: no component is called '$1'" >&2
      return 2 ;;
  esac
}

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi
}

# built COMPONENT: the path its program has, or would have, in the cache. A change to anything its module is built
# from gives another path.
built() {
  local module package version linker_flags tags definitions digest
  describe "$1"
  digest=$(cd "$cluster_root/$module" && {
    echo "$package $linker_flags${tags:+ $tags}${definitions:+ $definitions}"
    shopt -s nullglob
    GLOBIGNORE='./*_test.go'
    cat go.mod go.sum ./*.go ./*.yaml
  } | sha256)
  echo "$cluster_cache/$1-$version-$target-${digest:0:12}"
}

# program COMPONENT: the path to run: an envtest-style directory named by KUBEBUILDER_ASSETS comes first.
program() {
  case $1 in
    etcd | kube-apiserver)
      if [[ -n ${KUBEBUILDER_ASSETS:-} && -x $KUBEBUILDER_ASSETS/$1 ]]; then
        echo "$KUBEBUILDER_ASSETS/$1"
        return
      fi ;;
  esac
  built "$1"
}

if ! command -v go >/dev/null; then
  echo "cluster: Go is needed (1.26 or later) and there is no 'go' on PATH" >&2
  exit 2
fi
# GOOS-GOARCH of the programs.
target=$(go env GOOS GOARCH | paste -s -d - -)
