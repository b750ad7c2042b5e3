package main

import (
	"context"
	"strconv"
	"strings"
)

// startStorage starts etcd and waits for it.
func startStorage(ctx context.Context, o options, f *family, p ports) error {
	client, peer := plainURL(p.etcd), plainURL(p.etcdPeer)
	err := f.start("etcd", o.etcd,
		"--name=cluster",
		"--data-dir="+f.directory.file("etcd"),
		"--listen-client-urls="+client,
		"--advertise-client-urls="+client,
		"--listen-peer-urls="+peer,
		"--initial-advertise-peer-urls="+peer,
		"--initial-cluster=cluster="+peer,
		"--log-level=warn",
		// Nothing here is to survive a power failure.
		"--unsafe-no-fsync",
	)
	if err != nil {
		return err
	}
	return until(ctx, "etcd", newPlainAPI(client).answers("/health"))
}

func apiserverArguments(d *directory, p ports) []string {
	return []string{
		"--etcd-servers=" + plainURL(p.etcd),
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(p.apiserver),
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

// startControllers starts what acts on the API: each as its own user, so that the audit log tells them apart. It
// returns when they do act.
func (c *cluster) startControllers(ctx context.Context, o options, f *family, ca *authority, p ports) error {
	type controller struct {
		name, program string
		user          string
		groups        []string
		arguments     []string
		awaited       func(context.Context) error
	}
	controllers := []controller{
		{
			name: "kube-controller-manager", program: o.controllerManager,
			user: "system:kube-controller-manager",
			arguments: []string{
				"--kubeconfig=" + f.directory.file("kube-controller-manager.kubeconfig"),
				"--controllers=" + strings.Join(controllerManagerParts, ","),
				"--use-service-account-credentials=true",
				"--service-account-private-key-file=" + f.directory.file("service-account.key"),
				"--root-ca-file=" + f.directory.file("ca.crt"),
				"--leader-elect=false",
				"--secure-port=0",
				// The default of 20 requests a second makes two hundred sandboxes' deletion last a minute.
				"--kube-api-qps=1000",
				"--kube-api-burst=1000",
			},
			// Without this account a namespace admits no pods.
			awaited: c.admin.answers("/api/v1/namespaces/" + driverNamespace + "/serviceaccounts/default"),
		},
		{
			name: "agent-sandbox-controller", program: o.sandboxController,
			// The user that its own manifests bind its rights to.
			user:   "system:serviceaccount:agent-sandbox-system:agent-sandbox-controller",
			groups: []string{"system:serviceaccounts"},
			arguments: []string{
				"--kubeconfig=" + f.directory.file("agent-sandbox-controller.kubeconfig"),
				"--leader-elect=false",
				"--metrics-bind-address=0",
				"--health-probe-bind-address=0",
				"--manage-webhook-certs=false",
				"--webhook-cert-dir=" + f.directory.file("serving"),
				"--webhook-port=" + strconv.Itoa(p.webhook),
			},
			awaited: c.admin.actsOnSandboxes,
		},
		{
			name: "kubelet", program: o.kubelet,
			user: "simulated-kubelet", groups: []string{"system:masters"},
			arguments: []string{"--kubeconfig=" + f.directory.file("kubelet.kubeconfig")},
			awaited:   c.admin.answers("/api/v1/nodes/simulated"),
		},
	}
	for _, next := range controllers {
		if next.program == "" {
			continue
		}
		if _, err := writeKubeconfig(f.directory, ca, c.admin.server, next.name, next.user, next.groups...); err != nil {
			return err
		}
		if err := f.start(next.name, next.program, next.arguments...); err != nil {
			return err
		}
	}
	for _, next := range controllers {
		if next.program == "" {
			continue
		}
		if err := until(ctx, next.name, next.awaited); err != nil {
			return err
		}
	}
	return nil
}
