package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	sandboxGroup          = "agents.x-k8s.io"
	sandboxDefinition     = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sandboxes." + sandboxGroup
	sandboxControllerName = "agent-sandbox-controller"
)

// release is a release of agent-sandbox: what it installs, and its controller.
type release struct {
	// version is the version of the Sandbox API that it stores, and the newest that it serves.
	version string
	// controller is the path of its program; empty to go without.
	controller string
	// manifests is the path of its YAML: the CRD, and the controller's namespace and rights.
	manifests string
	// converts: the controller converts between the versions of the API, as a webhook.
	converts bool
}

// noRelease is the name of having no agent-sandbox at all.
const noRelease = "none"

// releases are what there is, by the version of the API that a release stores.
func (o options) releases() map[string]release {
	return map[string]release{
		"v1alpha1": {version: "v1alpha1", controller: o.sandboxControllerV1alpha1, manifests: o.sandboxManifestsV1alpha1},
		"v1beta1":  {version: "v1beta1", controller: o.sandboxController, manifests: o.sandboxManifests, converts: true},
	}
}

func sandboxesPath(version, namespace string) string {
	return "/apis/" + sandboxGroup + "/" + version + "/namespaces/" + namespace + "/sandboxes"
}

// installRelease applies a release's manifests and waits until its version of the API is discovered: controllers that
// start later, and find no such resource, look again only after ten seconds or more.
func (c *cluster) installRelease(ctx context.Context, r release) error {
	manifests, err := os.ReadFile(r.manifests)
	if err != nil {
		return err
	}
	var webhook *conversionWebhook
	if r.controller != "" {
		webhook = &conversionWebhook{url: secureURL(c.ports.webhook) + "/convert", ca: c.ca.pem}
	}
	if err := c.admin.apply(ctx, manifests, webhook); err != nil {
		return fmt.Errorf("install %s: %w", filepath.Base(r.manifests), err)
	}
	if err := until(ctx, "the Sandbox CRD", c.admin.settlesSandboxes); err != nil {
		return err
	}
	return until(ctx, "discovery of the Sandbox API", c.admin.discoversSandboxes(r.version))
}

// change puts the release that stores this version of the API in the place of the one that is installed, under
// everything that runs. Up is as an operator does it: manifests, then the controller; in between the old version
// cannot be converted. Down is the way back that keeps the objects: rewritten in the old version, then the CRD that
// knows no other. noRelease takes the API away, and every Sandbox with it.
func (c *cluster) change(ctx context.Context, version string) error {
	next, known := c.options.releases()[version]
	switch {
	case version == c.installed:
		return nil
	case version == noRelease:
		if err := c.processes.stop(sandboxControllerName); err != nil {
			return err
		}
		if err := c.admin.delete(ctx, sandboxDefinition); err != nil {
			return err
		}
		c.installed = noRelease
		return until(ctx, "the end of the Sandbox API", c.admin.lacks(sandboxDefinition))
	case !known || next.manifests == "" || next.controller == "":
		return fmt.Errorf("there is no agent-sandbox that stores %q here", version)
	}
	down := c.installed == "v1beta1" && version == "v1alpha1"
	if down {
		if err := c.storeSandboxesAs(ctx, version); err != nil {
			return err
		}
	}
	if err := c.installRelease(ctx, next); err != nil {
		return err
	}
	if c.installed != noRelease {
		if err := c.processes.stop(sandboxControllerName); err != nil {
			return err
		}
	}
	c.installed = version
	if err := c.startControllers(ctx, c.sandboxController(next)); err != nil || !down || c.options.controllerManager == "" {
		return err
	}
	// The garbage collector asks for an object in the version that it first met it in, for as long as it lives.
	manager := c.controllerManager().name
	if err := c.processes.stop(manager); err != nil {
		return err
	}
	return c.processes.again(ctx, manager)
}

// storeSandboxesAs makes this version the stored one, next to the others that are served, has every Sandbox written
// again, and leaves the CRD believing that nothing else was ever stored.
func (c *cluster) storeSandboxesAs(ctx context.Context, version string) error {
	if err := c.changeDefinition(ctx, "", func(definition object) {
		spec, _ := definition["spec"].(object)
		versions, _ := spec["versions"].([]any)
		for _, item := range versions {
			one, _ := item.(object)
			one["storage"] = one["name"] == version
		}
	}); err != nil {
		return err
	}
	stored := func() error {
		return until(ctx, "every Sandbox to be stored as "+version, c.rewritesSandboxes(version))
	}
	if err := stored(); err != nil {
		return err
	}
	if err := c.changeDefinition(ctx, "/status", func(definition object) {
		status, _ := definition["status"].(object)
		status["storedVersions"] = []string{version}
	}); err != nil {
		return err
	}
	// What was written while the API server had not yet noticed.
	return stored()
}

// changeDefinition changes the Sandbox CRD, or a subresource of it.
func (c *cluster) changeDefinition(ctx context.Context, subresource string, change func(object)) error {
	var definition object
	if err := c.admin.get(ctx, sandboxDefinition, &definition); err != nil {
		return err
	}
	change(definition)
	return c.admin.put(ctx, sandboxDefinition+subresource, definition)
}

// rewritesSandboxes is a condition for until: etcd holds every Sandbox in this version. It writes those again that are
// held in another; the API server may still be about to notice that it is to store another.
func (c *cluster) rewritesSandboxes(version string) func(context.Context) error {
	return func(ctx context.Context) error {
		const prefix = "/registry/" + sandboxGroup + "/sandboxes/"
		stored, err := c.storedUnder(ctx, prefix)
		if err != nil {
			return err
		}
		outdated := 0
		for key, value := range stored {
			var as struct{ APIVersion string }
			if err := json.Unmarshal(value, &as); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			if as.APIVersion == sandboxGroup+"/"+version {
				continue
			}
			outdated++
			namespace, name, _ := strings.Cut(strings.TrimPrefix(key, prefix), "/")
			path := sandboxesPath(version, namespace) + "/" + name
			var sandbox object
			if err := c.admin.get(ctx, path, &sandbox); err != nil {
				return err
			}
			if err := c.admin.put(ctx, path, sandbox); err != nil {
				return err
			}
		}
		if outdated > 0 {
			return fmt.Errorf("%d were stored in another version", outdated)
		}
		return nil
	}
}
