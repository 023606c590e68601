package portal

import (
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"
	"go.yaml.in/yaml/v3"

	"dockbell/static"
	"dockbell/views"
)

// api shows people what /openapi.yaml tells programs of the management API.
func (p *Portal) api(c echo.Context) error {
	page, err := apiPage()
	if err != nil {
		return err
	}
	s := p.shell(c, "Management API", views.Crumb{Text: "Registries", Href: "/"}, views.Crumb{Text: "Management API"})
	return render(c, http.StatusOK, views.APIPage(s, page))
}

// openAPI is what the page needs of the description.
type openAPI struct {
	Info  struct{ Description string }
	Tags  []struct{ Name, Description string }
	Paths yaml.Node // a map whose order is the page's

	Components struct {
		Schemas map[string]schema
	}
}

type operation struct {
	Tags        []string
	Summary     string
	RequestBody struct {
		Content map[string]struct{ Schema schema }
	} `yaml:"requestBody"`
}

type schema struct {
	Ref         string `yaml:"$ref"`
	Type        string
	Description string
	Enum        []string
	Required    []string
	Properties  yaml.Node
	Items       *schema // of a list
}

// apiPage reads the description once: it is part of the program.
var apiPage = sync.OnceValues(func() (views.API, error) {
	var doc openAPI
	if err := yaml.Unmarshal(static.OpenAPI, &doc); err != nil {
		return views.API{}, err
	}
	page := views.API{About: paragraphs(doc.Info.Description)}
	for _, tag := range doc.Tags {
		group := views.APIGroup{Title: tag.Name, About: tag.Description}
		for i := 0; i+1 < len(doc.Paths.Content); i += 2 {
			calls, err := doc.calls(doc.Paths.Content[i].Value, doc.Paths.Content[i+1], tag.Name)
			if err != nil {
				return page, err
			}
			group.Calls = append(group.Calls, calls...)
		}
		page.Groups = append(page.Groups, group)
	}
	return page, nil
})

// paragraphs are the parts of a text between blank lines.
func paragraphs(text string) []string {
	return strings.Split(strings.TrimSpace(text), "\n\n")
}

// calls are the operations of one path that stand under a tag.
func (doc openAPI) calls(path string, item *yaml.Node, tag string) ([]views.APICall, error) {
	var all []views.APICall
	for i := 0; i+1 < len(item.Content); i += 2 {
		method := item.Content[i].Value
		if method == "parameters" {
			continue
		}
		var op operation
		if err := item.Content[i+1].Decode(&op); err != nil {
			return nil, err
		}
		if !slices.Contains(op.Tags, tag) {
			continue
		}
		call := views.APICall{Method: strings.ToUpper(method), Path: path, Summary: op.Summary}
		var err error
		if body, has := op.RequestBody.Content["application/json"]; has {
			call.Fields, err = doc.fields("", body.Schema, nil)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, call)
	}
	return all, nil
}

// fields are those of an object, with the ones of objects within it named by their path.
func (doc openAPI) fields(at string, s schema, all []views.APIField) ([]views.APIField, error) {
	s = doc.resolved(s)
	for i := 0; i+1 < len(s.Properties.Content); i += 2 {
		name := s.Properties.Content[i].Value
		var given schema
		if err := s.Properties.Content[i+1].Decode(&given); err != nil {
			return all, err
		}
		field := doc.resolved(given)
		if field.Items != nil {
			field.Type, field.Enum = "list", doc.resolved(*field.Items).Enum
		}
		if len(field.Properties.Content) > 0 {
			var err error
			if all, err = doc.fields(at+name+".", field, all); err != nil {
				return all, err
			}
			continue
		}
		all = append(all, views.APIField{
			Name: at + name, Type: field.Type, About: field.Description, Choices: field.Enum, Required: slices.Contains(s.Required, name),
		})
	}
	return all, nil
}

// resolved follows a reference to the named schema.
func (doc openAPI) resolved(s schema) schema {
	if name, is := strings.CutPrefix(s.Ref, "#/components/schemas/"); is {
		return doc.Components.Schemas[name]
	}
	return s
}
