package main

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

//go:embed openshell-system.yaml
var driverManifests []byte

//go:embed audit-policy.yaml
var auditPolicy []byte

// apiRuleDefinition stands in for Kyma's.
//
//go:embed apirule.yaml
var apiRuleDefinition []byte

const (
	driverNamespace = "openshell-system"
	driverAccount   = "openshell-driver"
	adminNamespace  = "kube-system"
	adminAccount    = "cluster-test-admin"

	// tokenIssuer is what the API server signs service-account tokens as, and their audience.
	tokenIssuer = "https://kubernetes.default.svc"
	// tokenLifetime is what a kubelet asks for; tokens are renewed when tokenRenewal has passed, as it does.
	tokenLifetime = time.Hour
	tokenRenewal  = tokenLifetime * 4 / 5
)

// cluster is what startup leaves: an API server that answers the driver, and what is needed to change it.
type cluster struct {
	options   options
	directory *directory
	processes *family
	ports     ports
	ca        *authority
	// admin may do everything.
	admin *api
	// storage is etcd's API as JSON.
	storage *api
	// installed is the version of the Sandbox API that is stored now, or noRelease.
	installed string
}

// start brings everything up in the order that it depends on each other, and returns when the driver's own token
// may list sandboxes.
func start(ctx context.Context, o options, d *directory, f *family) (*cluster, error) {
	ports, err := freePorts()
	if err != nil {
		return nil, err
	}
	ca, err := newAuthority()
	if err != nil {
		return nil, err
	}
	if err := prepareFiles(d, ca, ports); err != nil {
		return nil, err
	}
	server := secureURL(ports.apiserver)
	administrator, err := writeKubeconfig(d, ca, server, "admin", "cluster-admin", "system:masters")
	if err != nil {
		return nil, err
	}
	admin, err := newAPI(server, ca, administrator)
	if err != nil {
		return nil, err
	}
	c := &cluster{
		options: o, directory: d, processes: f, ports: ports, ca: ca,
		admin: admin, storage: newPlainAPI(plainURL(ports.etcd)), installed: noRelease,
	}
	for _, next := range []program{c.storageProgram(), c.apiserverProgram()} {
		if err := f.run(ctx, next); err != nil {
			return nil, err
		}
	}
	if err := c.installOwn(ctx); err != nil {
		return nil, err
	}
	controllers := []controller{c.controllerManager(), c.kubelet()}
	if o.sandboxVersion != noRelease {
		chosen := o.releases()[o.sandboxVersion]
		if err := c.installRelease(ctx, chosen); err != nil {
			return nil, err
		}
		c.installed = chosen.version
		controllers = append(controllers, c.sandboxController(chosen))
	}
	if err := c.startControllers(ctx, controllers...); err != nil {
		return nil, err
	}
	if err := c.writeTokens(ctx); err != nil {
		return nil, err
	}
	return c, c.awaitDriver(ctx)
}

// installOwn installs what belongs to no release of agent-sandbox: the driver's account and rights, and the kinds that it
// exposes sandboxes with.
func (c *cluster) installOwn(ctx context.Context) error {
	manifests := map[string][]byte{"openshell-system.yaml": driverManifests, "apirule.yaml": apiRuleDefinition}
	if c.options.istio != "" {
		content, err := os.ReadFile(c.options.istio)
		if err != nil {
			return err
		}
		manifests[filepath.Base(c.options.istio)] = content
	}
	for _, name := range slices.Sorted(maps.Keys(manifests)) {
		if err := c.admin.apply(ctx, manifests[name], nil); err != nil {
			return fmt.Errorf("install %s: %w", name, err)
		}
	}
	return nil
}

// prepareFiles writes what the processes read at their start, and what a driver reads that never changes.
func prepareFiles(d *directory, ca *authority, ports ports) error {
	serving, err := ca.server()
	if err != nil {
		return err
	}
	signer, err := newKey()
	if err != nil {
		return err
	}
	signerPEM, err := encodeKey(signer)
	if err != nil {
		return err
	}
	var env strings.Builder
	for _, assignment := range d.environment(ports.apiserver) {
		name, value, _ := strings.Cut(assignment, "=")
		fmt.Fprintf(&env, "export %s='%s'\n", name, value)
	}
	if err := os.Mkdir(d.file("serving"), 0o700); err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"ca.crt":              ca.pem,
		"namespace":           []byte(driverNamespace),
		"etcd-url":            []byte(plainURL(ports.etcd)),
		"env":                 []byte(env.String()),
		"audit-policy.yaml":   auditPolicy,
		"service-account.key": signerPEM,
		// The names are those under which the agent-sandbox controller looks for its webhook's certificate.
		"serving/tls.crt": serving.certificate,
		"serving/tls.key": serving.key,
	} {
		if err := d.write(name, content); err != nil {
			return err
		}
	}
	return nil
}

// writeKubeconfig writes NAME.kubeconfig, which logs in as user, and returns that identity.
func writeKubeconfig(d *directory, ca *authority, server, name, user string, groups ...string) (identity, error) {
	id, err := ca.client(user, groups...)
	if err != nil {
		return id, err
	}
	content, err := ca.kubeconfig(server, id)
	if err != nil {
		return id, err
	}
	return id, d.write(name+".kubeconfig", content)
}

// writeTokens puts fresh tokens where the driver and tests read them.
func (c *cluster) writeTokens(ctx context.Context) error {
	for _, account := range []struct{ file, namespace, name string }{
		{"token", driverNamespace, driverAccount},
		{"admin-token", adminNamespace, adminAccount},
	} {
		token, err := c.admin.boundToken(ctx, account.namespace, account.name, tokenLifetime)
		if err != nil {
			return err
		}
		if err := c.directory.write(account.file, []byte(token)); err != nil {
			return err
		}
	}
	return nil
}

// renewTokens replaces the tokens before they expire, as a kubelet does for a mounted one.
func (c *cluster) renewTokens(ctx context.Context, end context.CancelCauseFunc) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(tokenRenewal):
		}
		if err := c.writeTokens(ctx); err != nil && ctx.Err() == nil {
			end(fmt.Errorf("renew tokens: %w", err))
		}
	}
}

// awaitDriver returns when the API server has noticed the driver's rights.
func (c *cluster) awaitDriver(ctx context.Context) error {
	token, err := os.ReadFile(c.directory.file("token"))
	if err != nil {
		return err
	}
	driver, err := newAPI(c.admin.server, c.ca, identity{})
	if err != nil {
		return err
	}
	driver.token = string(token)
	return until(ctx, "the driver's rights", driver.answers("/api/v1/namespaces/"+driverNamespace+"/pods"))
}
