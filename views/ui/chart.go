package ui

import (
	"math"
	"strconv"
)

// Series is one colour of a bar chart. Class: f1 push, f2 delete, f3 charts, f4 quarantine, fbad failed.
type Series struct{ Name, Class string }

// Bar is one column: a label for the axis and table, and a value per series.
type Bar struct {
	Label  string
	Values []int
}

// Chart is a stacked bar chart as SVG, with its words in HTML around it.
type Chart struct {
	Label  string // the sentence that says what the picture shows
	Series []Series
	Bars   []Bar
	Low    bool // the flatter one
	Ticks  int  // every n-th label stands under the axis; the last one always does
}

// rect is one part of a bar in the coordinates of the SVG.
type rect struct{ Class, X, Y, Height string }

// top is the value of the upper line: the next 1, 2, 4, 5 or 8 times a power of ten that holds every bar; even, for its half.
func (c Chart) top() int {
	most := 0
	for _, b := range c.Bars {
		sum := 0
		for _, v := range b.Values {
			sum += v
		}
		most = max(most, sum)
	}
	if most <= 2 {
		return 2
	}
	power := int(math.Pow(10, math.Floor(math.Log10(float64(most)))))
	for _, step := range []int{1, 2, 4, 6, 8, 10} {
		if t := step * power; t >= most && t%2 == 0 {
			return t
		}
	}
	return 10 * power
}

func (c Chart) rects() []rect {
	scale := 100 / float64(c.top())
	var all []rect
	for i, b := range c.Bars {
		base := 100.0
		for s, v := range b.Values {
			if v <= 0 || s >= len(c.Series) {
				continue
			}
			h := math.Max(float64(v)*scale, 1.5) // one failure among thousands stays visible
			base -= h
			all = append(all, rect{c.Series[s].Class, number(float64(i)*10 + 1.5), number(base), number(h)})
		}
	}
	return all
}

func (c Chart) width() string   { return strconv.Itoa(max(len(c.Bars), 1) * 10) }
func (c Chart) viewBox() string { return "0 0 " + c.width() + " 100" }

// axis are the labels under the picture.
func (c Chart) axis() []string {
	step := max(c.Ticks, 1)
	var all []string
	for i := 0; i < len(c.Bars)-1; i += step {
		if len(c.Bars)-1-i >= step/2+1 {
			all = append(all, c.Bars[i].Label)
		}
	}
	if n := len(c.Bars); n > 0 {
		all = append(all, c.Bars[n-1].Label)
	}
	return all
}

// Hour is one column of a sparkline or one cell of a health strip.
type Hour struct{ Succeeded, Failed int }

// totals over all hours.
func totals(hours []Hour) (succeeded, failed int) {
	for _, h := range hours {
		succeeded += h.Succeeded
		failed += h.Failed
	}
	return succeeded, failed
}

func sparkLabel(hours []Hour) string {
	s, f := totals(hours)
	return "Last 24 hours: " + Count(s) + " succeeded, " + Count(f) + " failed"
}

// spark gives the bars of a sparkline: succeeded below, failed in red on top of them.
func spark(hours []Hour) []rect {
	most := 1
	for _, h := range hours {
		most = max(most, h.Succeeded+h.Failed)
	}
	height := func(n int) int {
		if n == 0 {
			return 0
		}
		return max(1, n*18/most)
	}
	var all []rect
	for i, h := range hours {
		x, ok, bad := strconv.Itoa(i*3), height(h.Succeeded), height(h.Failed)
		if ok > 0 {
			all = append(all, rect{"fok", x, strconv.Itoa(20 - ok), strconv.Itoa(ok)})
		}
		if bad > 0 {
			all = append(all, rect{"fbad", x, strconv.Itoa(20 - ok - bad), strconv.Itoa(bad)})
		}
		if ok+bad == 0 {
			all = append(all, rect{"fnone", x, "19", "1"})
		}
	}
	return all
}

// strip gives the cells of a health strip: all well, some failed, most failed, nothing happened.
func strip(hours []Hour) []rect {
	var all []rect
	for i, h := range hours {
		x := strconv.Itoa(i * 4)
		switch {
		case h.Succeeded+h.Failed == 0:
			all = append(all, rect{"fnone", x, "8", "4"})
		case h.Failed == 0:
			all = append(all, rect{"fok", x, "2", "16"})
		case h.Failed > h.Succeeded:
			all = append(all, rect{"fbad", x, "2", "16"})
		default:
			all = append(all, rect{"f3", x, "2", "16"})
		}
	}
	return all
}

func number(f float64) string { return strconv.FormatFloat(math.Round(f*100)/100, 'f', -1, 64) }

func low(on bool) string {
	if on {
		return "low"
	}
	return ""
}
