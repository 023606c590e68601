package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"sync"
)

// older and next lead on in the lists of tags and repositories.
var (
	older = regexp.MustCompile(`href="([^"]*[?&;]before=[^"]*)"`)
	next  = regexp.MustCompile(`href="([^"]*[?&;]after=[^"]*)"`)
)

// contents fills a registry with repositories and ten times as many tags, half of them in one, and times its pages.
func (b *bench) contents(ctx context.Context) ([]row, error) {
	repositories := min(10_000, max(b.many/100, 100))
	var rows []row
	err := b.withPusher(ctx, 1, func(s *server, p *pusher) error {
		if err := p.fill(ctx, repositories); err != nil {
			return err
		}
		list := pages + "/repositories"
		large := list + "/bench/image"
		deepTags, err := s.far(large, older, repositories*5/25*9/10)
		if err != nil {
			return err
		}
		deepList, err := s.far(list, next, repositories/50*9/10)
		if err != nil {
			return err
		}
		for _, one := range []struct{ what, path string }{
			{"the list", list}, {"the list, far behind", deepList}, {"a repository", large}, {"its tags, far behind", deepTags},
			{"a search", list + "?q=r0077"}, {"a search for nothing", list + "?q=nosuchrepository"},
		} {
			took, err := s.often(one.path)
			if err != nil {
				return err
			}
			rows = append(rows, row{number: "R5", what: fmt.Sprintf("%s of %d repositories", one.what, repositories), must: 50, aim: 20, unit: " ms", reached: took})
		}
		return nil
	})
	return rows, err
}

// far follows the links to further pages, so many of them.
func (s *server) far(path string, link *regexp.Regexp, many int) (string, error) {
	for range max(many, 1) {
		text, _, err := s.page(path)
		if err != nil {
			return "", err
		}
		found := link.FindStringSubmatch(text)
		if found == nil {
			return "", fmt.Errorf("the page %s leads no further", path)
		}
		path = html.UnescapeString(found[1])
	}
	return path, nil
}

// fill pushes the image under many tags here, and under some in every other repository.
func (p *pusher) fill(ctx context.Context, repositories int) error {
	work := make(chan func() error)
	var failed sync.Map
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for do := range work {
				if err := do(); err != nil {
					failed.Store("error", err)
				}
			}
		})
	}
	broken := func() error {
		if err, found := failed.Load("error"); found {
			return err.(error)
		}
		return ctx.Err()
	}
	for i := 0; i < repositories*5 && broken() == nil; i++ {
		work <- p.push
	}
	for i := 1; i < repositories && broken() == nil; i++ {
		work <- func() error { return p.another(fmt.Sprintf("many/r%05d", i)) }
	}
	close(work)
	all.Wait()
	return broken()
}

// another mounts the parts of the image into a repository and pushes it there under five tags.
func (p *pusher) another(repository string) error {
	base := strings.TrimSuffix(p.base, "bench/image") + repository
	for _, part := range p.parts {
		if _, err := p.send(http.MethodPost, base+"/blobs/uploads/?from=bench/image&mount="+part, "", nil); err != nil {
			return err
		}
	}
	var errs error
	for i := range 5 {
		_, err := p.send(http.MethodPut, fmt.Sprintf("%s/manifests/v%d", base, i), manifestType, p.manifest)
		errs = errors.Join(errs, err)
	}
	return errs
}
