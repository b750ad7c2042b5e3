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

const (
	sandboxGroup   = "agents.x-k8s.io"
	sandboxVersion = "v1beta1"
	// The canary is a Sandbox that shows, by getting a status, that the controller works.
	canaryNamespace = "agent-sandbox-system"
	canaryName      = "startup-canary"
)

func sandboxesPath(namespace string) string {
	return "/apis/" + sandboxGroup + "/" + sandboxVersion + "/namespaces/" + namespace + "/sandboxes"
}

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
	path := "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sandboxes." + sandboxGroup
	var definition object
	if err := a.get(ctx, path, &definition); err != nil {
		return err
	}
	status, _ := definition["status"].(object)
	conditions, _ := status["conditions"].([]any)
	for _, item := range conditions {
		condition, _ := item.(object)
		if condition["type"] == "Established" && condition["status"] == "True" {
			condition["lastTransitionTime"] = time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)
			return a.call(ctx, http.MethodPut, path+"/status", "application/json", definition, nil)
		}
	}
	return errors.New("the CRD is not established")
}

// discoversSandboxes is a condition for until: the resource is in the discovery document that clients start from. It
// gets there some time after the API server has begun to serve it.
func (a *api) discoversSandboxes(ctx context.Context) error {
	const aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
	type resource struct{ Resource string }
	type version struct {
		Version   string
		Resources []resource
	}
	var document struct {
		Items []struct {
			Metadata struct{ Name string }
			Versions []version
		}
	}
	if err := a.call(ctx, http.MethodGet, "/apis", aggregated, nil, &document); err != nil {
		return err
	}
	for _, group := range document.Items {
		served := func(v version) bool {
			return v.Version == sandboxVersion && slices.Contains(v.Resources, resource{"sandboxes"})
		}
		if group.Metadata.Name == sandboxGroup && slices.ContainsFunc(group.Versions, served) {
			return nil
		}
	}
	return fmt.Errorf("%s/%s is not in discovery", sandboxGroup, sandboxVersion)
}

// actsOnSandboxes is a condition for until: the agent-sandbox controller has given the canary a status; its own health
// check says yes long before it works. The canary is suspended, so it has no pod, and it goes when it has served.
func (a *api) actsOnSandboxes(ctx context.Context) error {
	path := sandboxesPath(canaryNamespace) + "/" + canaryName
	var seen struct {
		Status struct{ Conditions []json.RawMessage }
	}
	err := a.get(ctx, path, &seen)
	var refused refusal
	switch {
	case errors.As(err, &refused) && refused.status == http.StatusNotFound:
		err = a.post(ctx, sandboxesPath(canaryNamespace), object{
			"apiVersion": sandboxGroup + "/" + sandboxVersion,
			"kind":       "Sandbox",
			"metadata":   object{"name": canaryName},
			"spec": object{
				"operatingMode": "Suspended",
				"podTemplate":   object{"spec": object{"containers": []object{{"name": "none"}}}},
			},
		}, nil)
	case err == nil && len(seen.Status.Conditions) > 0:
		return a.delete(ctx, path)
	}
	return errors.Join(err, errors.New("the canary has no status"))
}
