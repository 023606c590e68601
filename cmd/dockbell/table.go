package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// column is one column of a table: its heading as az writes it, and where its cells come from.
type column struct {
	heading string
	cell    func(object) string
}

// at is a column that shows what lies at a path.
func at(heading string, path ...string) column {
	return column{heading, func(o object) string { return pick(o, path...) }}
}

// The tables of az, column by column (ACR.md, section 5).
var (
	hookColumns = []column{at("NAME", "name"), at("LOCATION", "location"), at("ACTIONS", "actions"), at("SCOPE", "scope"), at("STATUS", "status")}

	configColumns = []column{at("SERVICE URI", "serviceUri"), at("HEADERS", "customHeaders")}

	pingColumns = []column{at("ID", "id")}

	eventColumns = []column{
		at("ID", "id"), at("ACTION", "eventRequestMessage", "content", "action"), {"IMAGE", eventImage}, {"HTTP STATUS", eventStatus},
		{"TIMESTAMP", func(o object) string { return toSeconds(pick(o, "eventRequestMessage", "content", "timestamp")) }},
	}

	registryColumns = []column{
		at("NAME", "name"), at("RESOURCE GROUP", "resourceGroup"), at("LOCATION", "location"), at("SKU", "sku", "name"),
		at("LOGIN SERVER", "loginServer"), {"CREATION DATE", func(o object) string { return toSeconds(pick(o, "creationDate")) }},
		at("ADMIN ENABLED", "adminUserEnabled"),
	}

	replicationColumns = []column{
		at("NAME", "name"), at("LOCATION", "location"), at("PROVISIONING STATE", "provisioningState"), at("STATUS", "status", "displayStatus"),
		at("REGION ENDPOINT ENABLED", "regionEndpointEnabled"),
	}

	usageColumns = []column{at("NAME", "name"), at("LIMIT", "limit"), at("CURRENT VALUE", "currentValue"), at("UNIT", "unit")}

	nameColumns = []column{at("Message", "message"), at("NameAvailable", "nameAvailable"), at("Reason", "reason")}

	credentialColumns = []column{at("USERNAME", "username"), {"PASSWORD", passwordAt(0)}, {"PASSWORD2", passwordAt(1)}}
)

func eventImage(o object) string {
	repository := pick(o, "eventRequestMessage", "content", "target", "repository")
	tag := pick(o, "eventRequestMessage", "content", "target", "tag")
	if repository != "" && tag != "" {
		return repository + ":" + tag
	}
	return repository
}

func eventStatus(o object) string {
	return strings.TrimSpace(pick(o, "eventResponseMessage", "statusCode") + " " + pick(o, "eventResponseMessage", "reasonPhrase"))
}

func passwordAt(i int) func(object) string {
	return func(o object) string {
		if all, ok := o["passwords"].([]any); ok && i < len(all) {
			if password, ok := all[i].(object); ok {
				return pick(password, "value")
			}
		}
		return ""
	}
}

// pick gives the text of the value at a path; "" where there is none or it is empty.
func pick(o object, path ...string) string {
	var v any = o
	for _, key := range path {
		inner, ok := v.(object)
		if !ok {
			return ""
		}
		v = inner[key]
	}
	switch x := v.(type) {
	case nil:
		return ""
	case []any:
		if len(x) == 0 {
			return ""
		}
	case object:
		if len(x) == 0 {
			return ""
		}
	}
	return python(v)
}

// toSeconds cuts a timestamp to seconds; what is none stays as it is.
func toSeconds(text string) string {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return text
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// python writes a value as az does, whose tables show Python's own form of lists: ['push', 'delete'].
func python(v any) string {
	switch x := v.(type) {
	case nil:
		return "None"
	case string:
		return x
	case bool:
		if x {
			return "True"
		}
		return "False"
	case json.Number:
		return x.String()
	case []any:
		var parts []string
		for _, item := range x {
			parts = append(parts, pythonQuoted(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case object:
		var parts []string
		for _, key := range sortedKeys(x) {
			parts = append(parts, pythonQuoted(key)+": "+pythonQuoted(x[key]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(v)
}

func pythonQuoted(v any) string {
	text, ok := v.(string)
	if !ok {
		return python(v)
	}
	text = strings.ReplaceAll(text, `\`, `\\`)
	if strings.Contains(text, "'") && !strings.Contains(text, `"`) {
		return `"` + text + `"`
	}
	return "'" + strings.ReplaceAll(text, "'", `\'`) + "'"
}

// printable replaces what could steer a terminal or break a table: names and answers come from strangers.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case r == ' ' || unicode.IsPrint(r):
			return r
		}
		return '?'
	}, text)
}

// writeTable writes a table as az does: headings, dashes, two blanks between columns. Nothing to show is an empty line.
func writeTable(w io.Writer, columns []column, items []object) error {
	if len(items) == 0 {
		_, err := fmt.Fprintln(w)
		return err
	}
	widths := columnWidths(columns)
	var rows [][]string
	for _, item := range items {
		row := cellsOf(columns, item)
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
		rows = append(rows, row)
	}
	var text strings.Builder
	writeHead(&text, columns, widths)
	for _, row := range rows {
		text.WriteString(tableLine(row, widths))
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func cellsOf(columns []column, item object) []string {
	var row []string
	for _, col := range columns {
		row = append(row, strings.TrimSpace(printable(col.cell(item))))
	}
	return row
}

// columnWidths are the narrowest: a heading and two more.
func columnWidths(columns []column) []int {
	var widths []int
	for _, col := range columns {
		widths = append(widths, len(col.heading)+2)
	}
	return widths
}

func writeHead(w io.Writer, columns []column, widths []int) {
	var headings, rules []string
	for i, col := range columns {
		headings = append(headings, col.heading)
		rules = append(rules, strings.Repeat("-", widths[i]))
	}
	fmt.Fprint(w, tableLine(headings, widths)+tableLine(rules, widths))
}

func tableLine(cells []string, widths []int) string {
	var line strings.Builder
	for i, cell := range cells {
		line.WriteString(cell)
		line.WriteString(strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(cell))+2))
	}
	return strings.TrimRight(line.String(), " ") + "\n"
}
