package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os/exec"
	"strings"
)

// guest is an account that exists as long as the demo runs.
type guest struct{ dockbell, name, password string }

// checkIn makes the account on the server's data folder.
func (d demo) checkIn(ctx context.Context) (guest, error) {
	g := guest{dockbell: d.dockbell, name: "demo-" + secret(3), password: secret(16)}
	add := exec.CommandContext(ctx, d.dockbell, "user", "add", g.name, "--role", "contributor")
	add.Stdin = strings.NewReader(g.password + "\n")
	if out, err := add.CombinedOutput(); err != nil {
		return g, fmt.Errorf("an account for the demo could not be made (is DOCKBELL_DATA the server's data folder?): %s", strings.TrimSpace(string(out)))
	}
	return g, nil
}

func (g guest) checkOut() {
	if out, err := exec.Command(g.dockbell, "user", "delete", g.name).CombinedOutput(); err != nil {
		fmt.Printf("the account %s is still there: %s\n", g.name, strings.TrimSpace(string(out)))
	}
}

func secret(bytes int) string {
	raw := make([]byte, bytes)
	rand.Read(raw) // never fails
	return hex.EncodeToString(raw)
}
