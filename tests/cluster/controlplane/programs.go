package main

import (
	"context"
	"strconv"
	"strings"
)

func (c *cluster) storageProgram() program {
	client, peer := plainURL(c.ports.etcd), plainURL(c.ports.etcdPeer)
	return program{
		name: "etcd", path: c.options.etcd,
		arguments: []string{
			"--name=cluster",
			"--data-dir=" + c.directory.file("etcd"),
			"--listen-client-urls=" + client,
			"--advertise-client-urls=" + client,
			"--listen-peer-urls=" + peer,
			"--initial-advertise-peer-urls=" + peer,
			"--initial-cluster=cluster=" + peer,
			"--log-level=warn",
			// Nothing here is to survive a power failure.
			"--unsafe-no-fsync",
		},
		awaited: c.storage.answers("/health"),
	}
}

func (c *cluster) apiserverProgram() program {
	d := c.directory
	return program{
		name: "kube-apiserver", path: c.options.apiserver,
		arguments: []string{
			"--etcd-servers=" + plainURL(c.ports.etcd),
			"--bind-address=127.0.0.1",
			"--advertise-address=127.0.0.1",
			"--secure-port=" + strconv.Itoa(c.ports.apiserver),
			"--tls-cert-file=" + d.file("serving/tls.crt"),
			"--tls-private-key-file=" + d.file("serving/tls.key"),
			"--client-ca-file=" + d.file("ca.crt"),
			"--service-account-issuer=" + tokenIssuer,
			"--service-account-key-file=" + d.file("service-account.key"),
			"--service-account-signing-key-file=" + d.file("service-account.key"),
			"--service-cluster-ip-range=10.96.0.0/16",
			// There is no `kubernetes` Service to keep up to date.
			"--endpoint-reconciler-type=none",
			"--authorization-mode=RBAC",
			// On by default; named so that the tests' footing is written down.
			"--enable-admission-plugins=NamespaceLifecycle,PodSecurity,ResourceQuota,ServiceAccount",
			"--allow-privileged=true",
			"--audit-policy-file=" + d.file("audit-policy.yaml"),
			"--audit-log-path=" + d.log("audit"),
			"--audit-log-mode=blocking",
			// A stop ends watches in good order, as a highly available server's does; without it they break.
			"--shutdown-watch-termination-grace-period=5s",
		},
		awaited: c.admin.answers("/readyz"),
	}
}

// controllerManagerParts are the controllers that sandboxes rely on, of the forty that kube-controller-manager has.
var controllerManagerParts = []string{
	"garbage-collector-controller",
	"namespace-controller",
	// Takes the finalizer off claims that no pod uses any more; without it a deleted sandbox's volumes stay.
	"persistentvolumeclaim-protection-controller",
	"resourcequota-controller",
	"root-ca-certificate-publisher-controller",
	"serviceaccount-controller",
	"serviceaccount-token-controller",
}

// controller is a program that acts on the API as a user of its own, so that the audit log tells them apart.
type controller struct {
	program
	user   string
	groups []string
}

func (c *cluster) controllerManager() controller {
	return controller{
		user: "system:kube-controller-manager",
		program: program{
			name: "kube-controller-manager", path: c.options.controllerManager,
			arguments: []string{
				"--kubeconfig=" + c.directory.file("kube-controller-manager.kubeconfig"),
				"--controllers=" + strings.Join(controllerManagerParts, ","),
				"--use-service-account-credentials=true",
				"--service-account-private-key-file=" + c.directory.file("service-account.key"),
				"--root-ca-file=" + c.directory.file("ca.crt"),
				"--leader-elect=false",
				"--secure-port=0",
				// The default of 20 requests a second makes two hundred sandboxes' deletion last a minute.
				"--kube-api-qps=1000",
				"--kube-api-burst=1000",
			},
			// Without this account a namespace admits no pods.
			awaited: c.admin.answers("/api/v1/namespaces/" + driverNamespace + "/serviceaccounts/default"),
		},
	}
}

func (c *cluster) kubelet() controller {
	return controller{
		user: "simulated-kubelet", groups: []string{"system:masters"},
		program: program{
			name: "kubelet", path: c.options.kubelet,
			arguments: []string{"--kubeconfig=" + c.directory.file("kubelet.kubeconfig")},
			awaited:   c.admin.answers("/api/v1/nodes/simulated"),
		},
	}
}

// sandboxController is the agent-sandbox controller of a release.
func (c *cluster) sandboxController(r release) controller {
	arguments := []string{
		"--kubeconfig=" + c.directory.file(sandboxControllerName+".kubeconfig"),
		"--leader-elect=false",
		"--metrics-bind-address=0",
		"--health-probe-bind-address=0",
	}
	if r.converts {
		arguments = append(arguments,
			"--manage-webhook-certs=false",
			"--webhook-cert-dir="+c.directory.file("serving"),
			"--webhook-port="+strconv.Itoa(c.ports.webhook),
		)
	}
	return controller{
		// The user that its own manifests bind its rights to.
		user:   "system:serviceaccount:agent-sandbox-system:agent-sandbox-controller",
		groups: []string{"system:serviceaccounts"},
		program: program{
			name: sandboxControllerName, path: r.controller, arguments: arguments,
			awaited: c.admin.actsOnSandboxes(r.version),
		},
	}
}

// startControllers starts those that have a path, and returns when they do their work.
func (c *cluster) startControllers(ctx context.Context, controllers ...controller) error {
	for _, next := range controllers {
		if next.path == "" {
			continue
		}
		if _, err := writeKubeconfig(c.directory, c.ca, c.admin.server, next.name, next.user, next.groups...); err != nil {
			return err
		}
		if err := c.processes.start(next.program); err != nil {
			return err
		}
	}
	for _, next := range controllers {
		if next.path == "" {
			continue
		}
		if err := until(ctx, next.name, next.awaited); err != nil {
			return err
		}
	}
	return nil
}
