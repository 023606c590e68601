package store

import (
	"time"

	"gorm.io/gorm"
)

// cancelWaiting ends what still waits for a webhook that is about to be deleted. There are no deliveries yet.
func cancelWaiting(_ *gorm.DB, _ string, _ time.Time) error { return nil }

// forgetContents removes the artifacts, events and deliveries of a registry that is about to be deleted. There is nothing yet.
func forgetContents(_ *gorm.DB, _ string) error { return nil }
