package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// pollInterval is how often something awaited at startup is asked for.
const pollInterval = 20 * time.Millisecond

// The canary is a Sandbox that shows, by getting a status, that the controller works.
const (
	canaryNamespace = "agent-sandbox-system"
	canaryName      = "startup-canary"
)

// until asks again and again. When ctx ends first it says why, what was awaited and how the last attempt failed.
func until(ctx context.Context, awaited string, condition func(context.Context) error) error {
	for {
		failure := condition(ctx)
		if failure == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w\n  (waiting for %s; last: %v)", context.Cause(ctx), awaited, failure)
		case <-time.After(pollInterval):
		}
	}
}

// answers is a condition for until: a GET that succeeds.
func (a *api) answers(path string) func(context.Context) error {
	return func(ctx context.Context) error { return a.get(ctx, path, nil) }
}

// settlesSandboxes is a condition for until: the Sandbox CRD is established, and was so a while ago as far as the API
// server knows. For two seconds after that it holds back every create, so that other API servers get to know of the
// resource, and there are none.
func (a *api) settlesSandboxes(ctx context.Context) error {
	var definition object
	if err := a.get(ctx, sandboxDefinition, &definition); err != nil {
		return err
	}
	status, _ := definition["status"].(object)
	conditions, _ := status["conditions"].([]any)
	for _, item := range conditions {
		condition, _ := item.(object)
		if condition["type"] == "Established" && condition["status"] == "True" {
			condition["lastTransitionTime"] = time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)
			return a.put(ctx, sandboxDefinition+"/status", definition)
		}
	}
	return errors.New("the CRD is not established")
}

// discoversSandboxes is a condition for until: the resource is in the discovery document that clients start from, in
// this version. It gets there some time after the API server has begun to serve it.
func (a *api) discoversSandboxes(version string) func(context.Context) error {
	const aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
	type resource struct{ Resource string }
	type group struct {
		Metadata struct{ Name string }
		Versions []struct {
			Version   string
			Resources []resource
		}
	}
	return func(ctx context.Context) error {
		var document struct{ Items []group }
		if err := a.call(ctx, http.MethodGet, "/apis", aggregated, nil, &document); err != nil {
			return err
		}
		for _, group := range document.Items {
			for _, served := range group.Versions {
				if group.Metadata.Name == sandboxGroup && served.Version == version &&
					slices.Contains(served.Resources, resource{"sandboxes"}) {
					return nil
				}
			}
		}
		return fmt.Errorf("%s/%s is not in discovery", sandboxGroup, version)
	}
}

// actsOnSandboxes is a condition for until: the agent-sandbox controller has given the canary a status; its own health
// check says yes long before it works. The canary is suspended, so it has no pod, and it goes when it has served.
func (a *api) actsOnSandboxes(version string) func(context.Context) error {
	collection := sandboxesPath(version, canaryNamespace)
	path := collection + "/" + canaryName
	spec := object{"podTemplate": object{"spec": object{"containers": []object{{"name": "none"}}}}}
	if version == "v1alpha1" {
		spec["replicas"] = 0
	} else {
		spec["operatingMode"] = "Suspended"
	}
	return func(ctx context.Context) error {
		var seen struct {
			Status struct{ Conditions []json.RawMessage }
		}
		err := a.get(ctx, path, &seen)
		switch {
		case refusedWith(err, http.StatusNotFound):
			err = a.post(ctx, collection, object{
				"apiVersion": sandboxGroup + "/" + version,
				"kind":       "Sandbox",
				"metadata":   object{"name": canaryName},
				"spec":       spec,
			}, nil)
		case err == nil && len(seen.Status.Conditions) > 0:
			return a.delete(ctx, path)
		}
		return errors.Join(err, errors.New("the canary has no status"))
	}
}

// lacks is a condition for until: nothing is there.
func (a *api) lacks(path string) func(context.Context) error {
	return func(ctx context.Context) error {
		err := a.get(ctx, path, nil)
		if refusedWith(err, http.StatusNotFound) {
			return nil
		}
		return fmt.Errorf("it is there (%v)", err)
	}
}
