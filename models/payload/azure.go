package payload

import "dockbell/models/event"

// Azure is Azure Container Registry's own body.
var Azure = Format{
	Name: "azure", Title: "Azure Container Registry", ContentType: "application/json; charset=utf-8",
	UserAgent: "AzureContainerRegistry/1.0", Encode: encodeAzure,
}

func encodeAzure(event.Event) ([]byte, error) { return []byte("{}"), nil }
