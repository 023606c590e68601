package oci

import (
	"encoding/json"
	"io"
	"net/http"
	"time"

	"dockbell/models/account"
	"dockbell/models/artifact"
	"dockbell/models/event"
	"dockbell/models/fault"
)

// Azure's data API, as `az acr repository` and the container registry SDKs speak it.

// attributes are what may be done to a repository, a tag or a manifest, as Azure writes it.
type attributes struct {
	Delete            bool   `json:"deleteEnabled"`
	Write             bool   `json:"writeEnabled"`
	Read              bool   `json:"readEnabled"`
	List              bool   `json:"listEnabled"`
	QuarantineState   string `json:"quarantineState,omitempty"`
	QuarantineDetails string `json:"quarantineDetails,omitempty"`
}

func attributesOf(l artifact.Locks) attributes {
	return attributes{Delete: !l.NoDelete, Write: !l.NoWrite, Read: !l.NoRead, List: !l.NoList}
}

// azureTime writes a time as Azure does: seven digits, UTC.
func azureTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000Z") }

// azureImage begins every answer about something in a repository.
type azureImage struct {
	Registry string `json:"registry"`
	Image    string `json:"imageName"`
}

func (r request) image() azureImage { return azureImage{r.reg.LoginServer, r.at.repository} }

type azureRepository struct {
	azureImage
	Created    string     `json:"createdTime"`
	Updated    string     `json:"lastUpdateTime"`
	Manifests  int        `json:"manifestCount"`
	Tags       int        `json:"tagCount"`
	Changeable attributes `json:"changeableAttributes"`
}

// showRepository answers GET of a repository.
func (d *Door) showRepository(r request) error {
	info, err := d.Metadata.Repository(r.ctx(), r.reg.Name, r.at.repository)
	if err != nil {
		return err
	}
	return r.c.JSON(http.StatusOK, azureRepository{
		r.image(), azureTime(info.Created), azureTime(info.Updated), info.Manifests, info.Tags, attributesOf(info.Locks),
	})
}

// deleteRepository answers DELETE of a repository with what went.
func (d *Door) deleteRepository(r request) error {
	done, err := d.Recorder.Record(r.ctx(), d.change(r, event.DeleteRepository))
	if err != nil {
		return err
	}
	manifests, tags := []string{}, []string{}
	for _, a := range done.Affected {
		manifests, tags = append(manifests, a.Digest), append(tags, a.Carried...)
	}
	return r.c.JSON(http.StatusAccepted, map[string][]string{"manifestsDeleted": manifests, "tagsDeleted": tags})
}

type azureTag struct {
	Name       string     `json:"name"`
	Digest     string     `json:"digest"`
	Created    string     `json:"createdTime"`
	Updated    string     `json:"lastUpdateTime"`
	Signed     bool       `json:"signed"` // by Docker content trust, which nobody uses any more
	Changeable attributes `json:"changeableAttributes"`
}

func azureTagOf(t artifact.TagInfo) azureTag {
	return azureTag{Name: t.Name, Digest: t.Digest, Created: azureTime(t.Created), Updated: azureTime(t.Updated), Changeable: attributesOf(t.Locks)}
}

func (d *Door) listTags(r request) error {
	l, err := r.azurePage(func(last string) (time.Time, error) {
		info, err := d.Metadata.TagInfo(r.ctx(), r.reg.Name, r.at.repository, last)
		return info.Updated, err
	})
	if err != nil {
		return err
	}
	infos, more, err := d.Metadata.TagInfos(r.ctx(), r.reg.Name, r.at.repository, l)
	if err != nil {
		return err
	}
	tags := make([]azureTag, 0, len(infos))
	for _, one := range infos {
		tags = append(tags, azureTagOf(one))
	}
	if more && len(infos) > 0 {
		end := infos[len(infos)-1]
		r.azureNext(l, end.Name, end.Updated)
	}
	return r.c.JSON(http.StatusOK, struct {
		azureImage
		Tags []azureTag `json:"tags"`
	}{r.image(), tags})
}

// showTag answers GET of a tag. One that is held in quarantine is not there for those who only pull.
func (d *Door) showTag(r request) error {
	info, err := d.Metadata.TagInfo(r.ctx(), r.reg.Name, r.at.repository, r.at.reference.Tag)
	if err == nil && info.Quarantine.Holds() && !r.maySeeHeld() {
		err = fault.New(fault.NotFound, "There is no tag %s in the repository %s.", r.at.reference.Tag, r.at.repository)
	}
	if err != nil {
		return err
	}
	return r.c.JSON(http.StatusOK, struct {
		azureImage
		Tag azureTag `json:"tag"`
	}{r.image(), azureTagOf(info)})
}

type azureManifest struct {
	Digest       string     `json:"digest"`
	Size         int64      `json:"imageSize"`
	Created      string     `json:"createdTime"`
	Updated      string     `json:"lastUpdateTime"`
	Architecture string     `json:"architecture,omitempty"`
	OS           string     `json:"os,omitempty"`
	MediaType    string     `json:"mediaType"`
	ConfigType   string     `json:"configMediaType,omitempty"`
	Tags         []string   `json:"tags"`
	Changeable   attributes `json:"changeableAttributes"`
}

// azureManifestOf describes a manifest; the platform of an image stands in its config blob.
func (d *Door) azureManifestOf(r request, m artifact.ManifestInfo) azureManifest {
	a := azureManifest{
		Digest: m.Digest, Size: m.Content(), Created: azureTime(m.Created), Updated: azureTime(m.Updated), MediaType: m.MediaType,
		Tags: orEmpty(m.Tags), Changeable: attributesOf(m.Locks),
	}
	a.Changeable.QuarantineState, a.Changeable.QuarantineDetails = string(m.Quarantine), m.Details
	if m.Config != nil {
		a.ConfigType = m.Config.MediaType
	}
	if m.Kind == artifact.Image {
		config := d.config(r, *m.Config)
		a.OS, a.Architecture = config.OS, config.Architecture
	}
	return a
}

// config reads the config blob of an image; one that cannot be read says nothing.
func (d *Door) config(r request, config artifact.Descriptor) artifact.Config {
	blob, err := d.Blobs.Open(r.ctx(), config.Digest)
	if err != nil {
		return artifact.Config{}
	}
	defer blob.Close()
	raw, err := io.ReadAll(io.LimitReader(blob, artifact.MaxConfig))
	if err != nil {
		return artifact.Config{}
	}
	return artifact.ParseConfig(raw)
}

func (d *Door) listManifests(r request) error {
	l, err := r.azurePage(func(last string) (time.Time, error) {
		m, err := d.Metadata.Stored(r.ctx(), r.reg.Name, r.at.repository, last)
		return m.Updated, err
	})
	if err != nil {
		return err
	}
	infos, more, err := d.Metadata.ManifestInfos(r.ctx(), r.reg.Name, r.at.repository, l)
	if err != nil {
		return err
	}
	manifests := make([]azureManifest, 0, len(infos))
	for _, one := range infos {
		manifests = append(manifests, d.azureManifestOf(r, one))
	}
	if more && len(infos) > 0 {
		end := infos[len(infos)-1]
		r.azureNext(l, end.Digest, end.Updated)
	}
	return r.c.JSON(http.StatusOK, struct {
		azureImage
		Manifests []azureManifest `json:"manifests"`
	}{r.image(), manifests})
}

func (d *Door) showManifest(r request) error {
	m, err := d.Metadata.Stored(r.ctx(), r.reg.Name, r.at.repository, r.at.reference.Digest)
	if err != nil {
		return err
	}
	if m.Quarantine.Holds() && !r.maySeeHeld() {
		return heldBack(m.Digest)
	}
	tags, err := d.Metadata.ManifestTags(r.ctx(), r.reg.Name, r.at.repository, m.Digest)
	if err != nil {
		return err
	}
	return r.c.JSON(http.StatusOK, struct {
		azureImage
		Manifest azureManifest `json:"manifest"`
	}{r.image(), d.azureManifestOf(r, artifact.ManifestInfo{Stored: m, Tags: tags})})
}

// patch is the body of a PATCH; absent keys change nothing.
type patch struct {
	Delete            *bool   `json:"deleteEnabled"`
	Write             *bool   `json:"writeEnabled"`
	Read              *bool   `json:"readEnabled"`
	List              *bool   `json:"listEnabled"`
	QuarantineState   *string `json:"quarantineState"`
	QuarantineDetails string  `json:"quarantineDetails"`
}

func (p patch) locks() artifact.LockChange {
	return artifact.LockChange{Delete: p.Delete, Write: p.Write, Read: p.Read, List: p.List}
}

func readPatch(r request) (patch, error) {
	var p patch
	body := http.MaxBytesReader(r.c.Response(), r.c.Request().Body, maxForm)
	if err := json.NewDecoder(body).Decode(&p); err != nil {
		return p, refuse(http.StatusBadRequest, codeUnsupported, `The body is a JSON object such as {"deleteEnabled":false} or {"quarantineState":"Passed"}.`)
	}
	return p, nil
}

func (d *Door) lockRepository(r request) error { return d.patchLocks(r, (*Door).showRepository) }

func (d *Door) lockTag(r request) error { return d.patchLocks(r, (*Door).showTag) }

func (d *Door) patchLocks(r request, show func(*Door, request) error) error {
	p, err := readPatch(r)
	if err != nil {
		return err
	}
	if p.QuarantineState != nil {
		return refuse(http.StatusBadRequest, codeUnsupported, "Quarantine is a matter of manifests: send it to _manifests and the digest.")
	}
	if err := d.lock(r, p.locks()); err != nil {
		return err
	}
	return show(d, r)
}

// lock changes the locks of what the path names.
func (d *Door) lock(r request, locks artifact.LockChange) error {
	if locks == (artifact.LockChange{}) {
		return nil
	}
	change := d.change(r, event.SetLocks)
	change.Tag, change.Digest, change.Locks = r.at.reference.Tag, r.at.reference.Digest, locks
	_, err := d.Recorder.Record(r.ctx(), change)
	return err
}

// changeManifest answers PATCH of a manifest: its quarantine, its locks or both. The rights are checked before anything is
// looked up.
func (d *Door) changeManifest(r request) error {
	p, err := readPatch(r)
	if err != nil {
		return err
	}
	if p.QuarantineState != nil {
		if err := r.allow(account.ReleaseQtn, r.at); err != nil {
			return err
		}
	}
	if p.locks() != (artifact.LockChange{}) {
		if err := r.allow(account.PushImages, r.at); err != nil {
			return err
		}
	}
	if p.QuarantineState != nil {
		change := d.change(r, event.Rule)
		change.Digest = r.at.reference.Digest
		if change.Ruling, err = artifact.ParseRuling(*p.QuarantineState, p.QuarantineDetails); err != nil {
			return err
		}
		if _, err := d.Recorder.Record(r.ctx(), change); err != nil {
			return err
		}
	}
	if err := d.lock(r, p.locks()); err != nil {
		return err
	}
	return d.showManifest(r)
}
