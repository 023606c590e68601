package artifact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dockbell/models/fault"
)

var (
	digestA = "sha256:" + strings.Repeat("a", 64)
	digestB = "sha512:" + strings.Repeat("b", 128)
)

func descriptor(mediaType, digest, more string) string {
	return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":7%s}`, mediaType, digest, more)
}

func image(configType, more string) string {
	return fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":%s,"layers":[%s]%s}`,
		OCIManifest, descriptor(configType, digestA, ""), descriptor("application/x-layer", digestB, `,"urls":["https://example.com/l"]`), more)
}

const ociConfig = "application/vnd.oci.image.config.v1+json"

func TestParseImageManifest(t *testing.T) {
	raw := image(ociConfig, `,"annotations":{"a":"1","A":"2"},"x-unknown":[null,true,1.5],"subject":`+descriptor(OCIManifest, digestA, `,"artifactType":"a/b"`))
	m, err := ParseManifest([]byte(raw), OCIManifest+"; charset=utf-8", "")
	if err != nil {
		t.Fatal(err)
	}
	want := Manifest{
		Raw: []byte(raw), MediaType: OCIManifest, Digest: DigestOf([]byte(raw), SHA256), Kind: Image, ArtifactType: ociConfig,
		Config:      &Descriptor{MediaType: ociConfig, Digest: digestA, Size: 7},
		Layers:      []Descriptor{{MediaType: "application/x-layer", Digest: digestB, Size: 7, Foreign: true}},
		Subject:     &Descriptor{MediaType: OCIManifest, Digest: digestA, Size: 7, ArtifactType: "a/b"},
		Annotations: map[string]string{"a": "1", "A": "2"},
	}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Error(diff)
	}
}

func TestParseIndex(t *testing.T) {
	for _, mediaType := range []string{OCIIndex, DockerList} {
		raw := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"artifactType":"x/y","manifests":[%s]}`, mediaType,
			descriptor(OCIManifest, digestA, `,"platform":{"os":"linux","architecture":"arm","variant":"v7","os.version":"1"}`))
		m, err := ParseManifest([]byte(raw), mediaType, SHA512)
		if err != nil {
			t.Fatal(err)
		}
		want := []Descriptor{{MediaType: OCIManifest, Digest: digestA, Size: 7, OS: "linux", Architecture: "arm", Variant: "v7"}}
		if diff := cmp.Diff(want, m.Children); diff != "" || m.Kind != Index || m.ArtifactType != "x/y" || !strings.HasPrefix(m.Digest, "sha512:") {
			t.Errorf("%s: %+v %s", mediaType, m, diff)
		}
	}
}

func TestKinds(t *testing.T) {
	for config, want := range map[string]Kind{
		ociConfig: Image, "application/vnd.docker.container.image.v1+json": Image, HelmConfig: Chart, "application/vnd.oci.empty.v1+json": Other,
	} {
		m, err := ParseManifest([]byte(image(config, "")), OCIManifest, "")
		if err != nil || m.Kind != want {
			t.Errorf("%s: kind %s, %v, want %s", config, m.Kind, err, want)
		}
	}
}

func TestParseManifestRefuses(t *testing.T) {
	sent := func(body string) [2]string { return [2]string{body, OCIManifest} }
	good := image(ociConfig, "")
	deep := strings.Repeat("[", 40) + strings.Repeat("]", 40)
	for name, c := range map[string]struct {
		in   [2]string // body, Content-Type
		says string
	}{
		"nothing":              {sent(""), "not valid JSON"},
		"a list":               {sent("[]"), "not a JSON object"},
		"cut off":              {sent(good[:len(good)-1]), "not valid JSON"},
		"trailing":             {sent(good + "{}"), "behind the end"},
		"trailing comma":       {sent(image(ociConfig, `,"x":[1,]`)), "not valid JSON"},
		"twice":                {sent(image(ociConfig, `,"config":{}`)), `"config" stands twice`},
		"twice, deep":          {sent(image(ociConfig, `,"annotations":{"a":"1","\u0061":"2"}`)), `"a" stands twice`},
		"bad UTF-8":            {sent(image(ociConfig, ",\"x\":\"\xff\"")), "UTF-8"},
		"deep":                 {sent(image(ociConfig, `,"x":`+deep)), "deeper than 32"},
		"other Content-Type":   {[2]string{good, OCIIndex}, "Content-Type header says"},
		"unknown Content-Type": {[2]string{`{"schemaVersion":2}`, "text/plain"}, `"text/plain" are not accepted`},
		"no type at all":       {[2]string{`{"schemaVersion":2,"config":{},"layers":[]}`, ""}, "Neither"},
		"schema 1":             {[2]string{`{"schemaVersion":1}`, dockerV1 + "prettyjws"}, "schema 1 is not accepted"},
		"schema 1 in disguise": {sent(`{"schemaVersion":1,"fsLayers":[]}`), "schema 1 is not accepted"},
		"no schemaVersion":     {sent(`{}`), "schemaVersion is not 2"},
		"mediaType a number":   {sent(`{"schemaVersion":2,"mediaType":5}`), "mediaType is not a text"},
		"image and index":      {sent(image(ociConfig, `,"manifests":[]`)), "has no manifests"},
		"index and image":      {[2]string{`{"schemaVersion":2,"manifests":[],"layers":[]}`, OCIIndex}, "has no layers"},
		"no config":            {sent(`{"schemaVersion":2,"layers":[]}`), "config is missing"},
		"config null":          {sent(`{"schemaVersion":2,"config":null,"layers":[]}`), "config is missing"},
		"config a list":        {sent(`{"schemaVersion":2,"config":[],"layers":[]}`), "config is not an object"},
		"no layers":            {sent(`{"schemaVersion":2,"config":` + descriptor(ociConfig, digestA, "") + `}`), "layers is missing"},
		"layer a text":         {sent(`{"schemaVersion":2,"config":` + descriptor(ociConfig, digestA, "") + `,"layers":["x"]}`), "layers[0] is not an object"},
		"bad digest":           {sent(image(ociConfig, `,"subject":`+descriptor(OCIManifest, "sha256:../../etc", ""))), "subject.digest is not valid"},
		"no digest":            {sent(image(ociConfig, `,"subject":{"mediaType":"a/b","size":1}`)), "subject.digest is missing"},
		"no media type":        {sent(image(ociConfig, `,"subject":{"digest":"`+digestA+`","size":1}`)), "subject.mediaType is missing"},
		"NUL in a media type":  {sent(image(`a/b\u0000`, "")), "config.mediaType is not valid"},
		"negative size":        {sent(strings.Replace(good, `"size":7`, `"size":-7`, 1)), "config.size"},
		"size a fraction":      {sent(strings.Replace(good, `"size":7`, `"size":7.5`, 1)), "config.size"},
		"size a text":          {sent(strings.Replace(good, `"size":7`, `"size":"7"`, 1)), "config.size"},
		"size too large":       {sent(strings.Replace(good, `"size":7`, `"size":9007199254740992`, 1)), "config.size"},
		"annotation a number":  {sent(image(ociConfig, `,"annotations":{"a":1}`)), `annotation "a"`},
		"artifactType markup":  {sent(image(ociConfig, `,"artifactType":"<b>"`)), "artifactType is not valid"},
		"index without list":   {[2]string{`{"schemaVersion":2}`, OCIIndex}, "manifests is missing"},
		"platform a text":      {[2]string{`{"schemaVersion":2,"manifests":[` + descriptor(OCIManifest, digestA, `,"platform":"x"`) + `]}`, OCIIndex}, "platform is not an object"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseManifest([]byte(c.in[0]), c.in[1], "")
			if !fault.Is(err, fault.Invalid) || fault.All(err)[0].Field != "manifest" || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want invalid at manifest with %q", err, c.says)
			}
		})
	}
	if _, err := ParseManifest(make([]byte, MaxManifest+1), OCIManifest, ""); !fault.Is(err, fault.LimitReached) {
		t.Errorf("too large: %v", err)
	}
}

// TestLargeIndex: 10,000 children are within the limit and must not take longer than a person notices.
func TestLargeIndex(t *testing.T) {
	child := descriptor(OCIManifest, digestA, `,"platform":{"os":"linux","architecture":"amd64"}`)
	raw := `{"schemaVersion":2,"manifests":[` + strings.Repeat(child+",", 9_999) + child + `]}`
	start := time.Now()
	m, err := ParseManifest([]byte(raw), OCIIndex, "")
	if err != nil || len(m.Children) != 10_000 {
		t.Fatalf("%d children, %v", len(m.Children), err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("%d bytes took %s", len(raw), took)
	}
}

func BenchmarkParseLargeIndex(b *testing.B) {
	child := descriptor(OCIManifest, digestA, `,"platform":{"os":"linux","architecture":"amd64"}`)
	raw := []byte(`{"schemaVersion":2,"manifests":[` + strings.Repeat(child+",", 9_999) + child + `]}`)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := ParseManifest(raw, OCIIndex, ""); err != nil {
			b.Fatal(err)
		}
	}
}

func TestParseChartConfig(t *testing.T) {
	info, err := ParseChartConfig([]byte(`{"name":"mychart","version":"0.1.0+build","apiVersion":"v2","type":"application"}`))
	if err != nil || info != (ChartInfo{Name: "mychart", Version: "0.1.0+build"}) {
		t.Errorf("%+v, %v", info, err)
	}
	for _, body := range []string{
		"", "null", `{"name":"x"}`, `{"name":"x","version":1}`, `{"name":"x\n","version":"1"}`, `{"Name":"x","version":"1"}`,
		`{"name":"x","version":"` + strings.Repeat("1", 256) + `"}`, `{"name":"x","name":"y","version":"1"}`,
		`{"name":"x","version":"1","description":"` + strings.Repeat("x", MaxChartConfig) + `"}`,
	} {
		if info, err := ParseChartConfig([]byte(body)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%.60s: %+v, %v, want invalid", body, info, err)
		}
	}
}

// FuzzParseManifest: whatever is accepted is valid JSON, keeps its bytes and holds nothing but valid digests.
func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(image(ociConfig, "")), OCIManifest)
	f.Add([]byte(image(HelmConfig, `,"subject":`+descriptor(OCIManifest, digestA, ""))), "")
	f.Add([]byte(`{"schemaVersion":2,"manifests":[]}`), OCIIndex)
	f.Fuzz(func(t *testing.T, raw []byte, contentType string) {
		m, err := ParseManifest(raw, contentType, "")
		if err != nil {
			if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.LimitReached) {
				t.Errorf("refused with %v", err)
			}
			return
		}
		if !json.Valid(raw) || !bytes.Equal(m.Raw, raw) {
			t.Error("accepted what is not JSON, or changed it")
		}
		all := append(append([]Descriptor{}, m.Layers...), m.Children...)
		if m.Config != nil {
			all = append(all, *m.Config)
		}
		for _, d := range all {
			if _, err := ParseDigest(d.Digest); err != nil || d.Size < 0 || d.MediaType == "" {
				t.Errorf("descriptor %+v", d)
			}
		}
	})
}

func FuzzParseChartConfig(f *testing.F) {
	f.Add([]byte(`{"name":"x","version":"1"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if info, err := ParseChartConfig(raw); err == nil && (info.Name == "" || info.Version == "" || !json.Valid(raw)) {
			t.Errorf("accepted %+v", info)
		}
	})
}
