package artifact

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"dockbell/models/fault"
)

func TestRepositoryAndTagCases(t *testing.T) {
	raw, err := os.ReadFile("testdata/repo_names.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Count int
		Cases []struct {
			ID, Repository, Tag string
			Expect              struct{ Outcome string }
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) == 0 || len(file.Cases) != file.Count {
		t.Fatalf("%d cases, count says %d", len(file.Cases), file.Count)
	}
	for _, c := range file.Cases {
		t.Run(c.ID, func(t *testing.T) {
			_, repoErr := ParseRepository(c.Repository)
			_, tagErr := ParseTag(c.Tag)
			if accepted := repoErr == nil && tagErr == nil; accepted != (c.Expect.Outcome == "accept") {
				t.Errorf("%q:%q: %v, %v, want %s", c.Repository, c.Tag, repoErr, tagErr, c.Expect.Outcome)
			}
		})
	}
}

func TestReferenceGrammar(t *testing.T) {
	hex64, hex128 := strings.Repeat("0a", 32), strings.Repeat("0a", 64)
	repository := func(s string) error { _, err := ParseRepository(s); return err }
	tag := func(s string) error { _, err := ParseTag(s); return err }
	digest := func(s string) error { _, err := ParseDigest(s); return err }
	for _, c := range []struct {
		what  string
		parse func(string) error
		in    string
		ok    bool
	}{
		{"repository", repository, "team/api", true},
		{"repository", repository, "a-b_c__d.e--f/0", true},
		{"repository", repository, strings.Repeat("a", 255), true},
		{"repository", repository, strings.Repeat("a", 256), false},
		{"repository", repository, "a___b", false},
		{"repository", repository, "a..b", false},
		{"repository", repository, "a-", false},
		{"repository", repository, "a/", false},
		{"repository", repository, "a//b", false},
		{"repository", repository, "a\n", false},
		{"repository", repository, "a:5000/b", false},
		{"tag", tag, "v1.0_rc-1", true},
		{"tag", tag, strings.Repeat("x", 128), true},
		{"tag", tag, strings.Repeat("x", 129), false},
		{"tag", tag, ".x", false},
		{"tag", tag, "-x", false},
		{"tag", tag, "x\n", false},
		{"tag", tag, "é", false},
		{"digest", digest, "sha256:" + hex64, true},
		{"digest", digest, "sha512:" + hex128, true},
		{"digest", digest, "sha256:" + hex128, false},
		{"digest", digest, "sha512:" + hex64, false},
		{"digest", digest, "sha256:" + strings.ToUpper(hex64), false},
		{"digest", digest, "md5:" + hex64, false},
		{"digest", digest, "sha256:" + hex64 + "\n", false},
		{"digest", digest, "", false},
	} {
		err := c.parse(c.in)
		if (err == nil) != c.ok {
			t.Errorf("%s %q: %v, want ok %v", c.what, c.in, err, c.ok)
		}
		if all := fault.All(err); err != nil && (len(all) != 1 || all[0].Field != c.what) {
			t.Errorf("%s %q: fault %v, want one at field %s", c.what, c.in, all, c.what)
		}
	}
}

func TestDigestOf(t *testing.T) {
	for algorithm, want := range map[string]string{
		"":     "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		SHA512: "sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
	} {
		if got := DigestOf(nil, algorithm); got != want {
			t.Errorf("%q of nothing: %s, want %s", algorithm, got, want)
		}
	}
	if got := AlgorithmOf("sha512:00"); got != SHA512 {
		t.Errorf("algorithm %q", got)
	}
}

func FuzzParseReference(f *testing.F) {
	for _, s := range []string{"latest", "sha256:" + strings.Repeat("0", 64), "a/b", "..", "x\x00", "%2e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ref, err := ParseReference(s)
		if err == nil && ref.String() != s {
			t.Errorf("%q became %q", s, ref)
		}
		repo, repoErr := ParseRepository(s)
		for _, accepted := range []struct {
			ok    bool
			value string
		}{{err == nil, ref.String()}, {repoErr == nil, repo}} {
			if accepted.ok && (strings.Contains(accepted.value, "..") && repoErr == nil || strings.ContainsAny(accepted.value, "\\%\x00\n \"'<>")) {
				t.Errorf("%q is accepted", s)
			}
		}
	})
}
