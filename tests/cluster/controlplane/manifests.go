package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

// collections are where objects of a kind are created; %s is the namespace. The order they are given in is the order
// of the manifests.
var collections = map[string]string{
	"Namespace":                "/api/v1/namespaces",
	"ServiceAccount":           "/api/v1/namespaces/%s/serviceaccounts",
	"Role":                     "/apis/rbac.authorization.k8s.io/v1/namespaces/%s/roles",
	"RoleBinding":              "/apis/rbac.authorization.k8s.io/v1/namespaces/%s/rolebindings",
	"ClusterRole":              "/apis/rbac.authorization.k8s.io/v1/clusterroles",
	"ClusterRoleBinding":       "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
	"CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
}

// notInstalled are kinds in upstream's manifests that stand for the controller's own process, which runs beside the
// cluster here and not in it.
var notInstalled = map[string]bool{"Deployment": true, "Service": true}

// conversionWebhook is where the agent-sandbox controller converts between the versions of the Sandbox API.
type conversionWebhook struct {
	url string
	ca  []byte
}

var documentSeparator = regexp.MustCompile(`(?m)^---\s*$`)

// parseManifests reads the objects of a YAML stream.
func parseManifests(content []byte) ([]object, error) {
	var objects []object
	for _, document := range documentSeparator.Split(string(content), -1) {
		var parsed object
		if err := yaml.Unmarshal([]byte(document), &parsed); err != nil {
			return nil, err
		}
		if len(parsed) > 0 {
			objects = append(objects, parsed)
		}
	}
	return objects, nil
}

// apply creates the objects of a YAML stream, in its order except that namespaces come first. What is there already
// becomes as it stands in the stream.
func (a *api) apply(ctx context.Context, manifests []byte, webhook *conversionWebhook) error {
	objects, err := parseManifests(manifests)
	if err != nil {
		return err
	}
	for _, namespaces := range []bool{true, false} {
		for _, item := range objects {
			if (item["kind"] == "Namespace") != namespaces {
				continue
			}
			if err := a.applyOne(ctx, item, webhook); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *api) applyOne(ctx context.Context, item object, webhook *conversionWebhook) error {
	kind := fmt.Sprint(item["kind"])
	if notInstalled[kind] {
		return nil
	}
	collection, known := collections[kind]
	if !known {
		return fmt.Errorf("a manifest has a %s, and collections does not say where those are created", kind)
	}
	metadata, _ := item["metadata"].(object)
	if strings.Contains(collection, "%s") {
		collection = fmt.Sprintf(collection, metadata["namespace"])
	}
	if kind == "CustomResourceDefinition" {
		redirectConversion(item, webhook)
	}
	err := a.post(ctx, collection, item, nil)
	if !refusedWith(err, http.StatusConflict) {
		return err
	}
	var present struct {
		Metadata struct{ ResourceVersion string }
	}
	path := fmt.Sprint(collection, "/", metadata["name"])
	if err := a.get(ctx, path, &present); err != nil {
		return err
	}
	metadata["resourceVersion"] = present.Metadata.ResourceVersion
	return a.put(ctx, path, item)
}

// redirectConversion points a CRD that converts by a webhook in the cluster at ours, or, without one, makes the API
// server only rename the version, which leaves the storage version as it should be and the others approximate.
func redirectConversion(definition object, webhook *conversionWebhook) {
	spec, _ := definition["spec"].(object)
	conversion, _ := spec["conversion"].(object)
	if conversion["strategy"] != "Webhook" {
		return
	}
	if webhook == nil {
		spec["conversion"] = object{"strategy": "None"}
		return
	}
	stanza, _ := conversion["webhook"].(object)
	stanza["clientConfig"] = object{
		"url":      webhook.url,
		"caBundle": base64.StdEncoding.EncodeToString(webhook.ca),
	}
}
