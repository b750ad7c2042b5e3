package main

import (
	"reflect"
	"testing"
)

func TestParseManifestsSkipsEmptyDocuments(t *testing.T) {
	objects, err := parseManifests([]byte("---\n# nothing\n---\nkind: A\n--- \nkind: B\ntext: a---b\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []object{{"kind": "A"}, {"kind": "B", "text": "a---b"}}
	if !reflect.DeepEqual(objects, want) {
		t.Errorf("got %v, want %v", objects, want)
	}
}

func TestOwnManifestsHaveAPlace(t *testing.T) {
	for _, manifests := range [][]byte{driverManifests, apiRuleDefinition} {
		objects, err := parseManifests(manifests)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range objects {
			if kind, _ := item["kind"].(string); collections[kind] == "" {
				t.Errorf("collections has no path for %q", kind)
			}
		}
	}
}

func TestRedirectConversion(t *testing.T) {
	definition := func(conversion object) object {
		return object{"spec": object{"conversion": conversion}}
	}
	webhook := func() object {
		return object{"strategy": "Webhook", "webhook": object{
			"clientConfig":             object{"service": object{"name": "in-the-cluster"}},
			"conversionReviewVersions": []any{"v1"},
		}}
	}
	for name, test := range map[string]struct {
		conversion object
		to         *conversionWebhook
		want       object
	}{
		"none stays": {object{"strategy": "None"}, &conversionWebhook{url: "u"}, object{"strategy": "None"}},
		"no webhook": {webhook(), nil, object{"strategy": "None"}},
		"ours": {webhook(), &conversionWebhook{url: "https://here/convert", ca: []byte("CA")}, object{
			"strategy": "Webhook", "webhook": object{
				"clientConfig":             object{"url": "https://here/convert", "caBundle": "Q0E="},
				"conversionReviewVersions": []any{"v1"},
			},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			changed := definition(test.conversion)
			redirectConversion(changed, test.to)
			if !reflect.DeepEqual(changed, definition(test.want)) {
				t.Errorf("got %v, want %v", changed, definition(test.want))
			}
		})
	}
}
