package blobs

import (
	"net/url"
	"strings"

	_ "gocloud.dev/blob/azureblob" // azblob://
	_ "gocloud.dev/blob/s3blob"    // s3://
)

// Schemes are the kinds of buckets that OpenCloud knows.
var Schemes = []string{"s3", "azblob", "gs"}

// driven is the URL for the driver. Google's buckets are spoken to by their S3-compatible API, with an HMAC key of the bucket in
// AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: Google's own driver would double the program and its idle memory.
func driven(address string) string {
	name, isGoogle := strings.CutPrefix(address, "gs://")
	if !isGoogle {
		return address
	}
	name, query, _ := strings.Cut(name, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return address
	}
	for key, value := range map[string]string{
		"endpoint": "https://storage.googleapis.com", "region": "auto", "use_path_style": "true",
		"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required",
	} {
		if !values.Has(key) {
			values.Set(key, value)
		}
	}
	return "s3://" + name + "?" + values.Encode()
}
