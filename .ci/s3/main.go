// Command s3 runs a command with DOCKBELL_TEST_BUCKET naming a bucket of a throw-away S3-compatible server, which ends with it.
package main

import (
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

func main() {
	if len(os.Args) < 2 {
		log.Fatal("usage: s3 COMMAND...")
	}
	store := s3mem.New()
	if err := store.CreateBucket("layers"); err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(store).Server())
	defer server.Close()
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		fmt.Sprintf("DOCKBELL_TEST_BUCKET=s3://layers?endpoint=%s&region=us-east-1&use_path_style=true", server.URL))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var failed *exec.ExitError
	switch {
	case errors.As(err, &failed):
		os.Exit(failed.ExitCode())
	case err != nil:
		log.Fatal(err)
	}
}
