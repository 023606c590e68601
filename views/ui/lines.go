package ui

import (
	"strconv"
	"strings"
	"time"
)

// Line is one curve of a line chart; a zero is a gap. Class: l1 solid, l3 dashed.
type Line struct {
	Name, Class string
	Values      []time.Duration
}

// Lines is a line chart of time spans as SVG, with its words in HTML around it.
type Lines struct {
	Label  string // the sentence that says what the picture shows
	Labels []string
	Lines  []Line
	Ticks  int // every n-th label stands under the axis; the last one always does
}

// Top is the line's largest value.
func (l Line) Top() time.Duration {
	var most time.Duration
	for _, v := range l.Values {
		most = max(most, v)
	}
	return most
}

// top is the value of the upper rule in milliseconds.
func (c Lines) top() int {
	var most time.Duration
	for _, l := range c.Lines {
		most = max(most, l.Top())
	}
	return Chart{Bars: []Bar{{Values: []int{int(most.Milliseconds()) + 1}}}}.top()
}

func (c Lines) width() string   { return strconv.Itoa(max(len(c.Labels)-1, 1) * 10) }
func (c Lines) viewBox() string { return "0 0 " + c.width() + " 100" }

// axis are the labels under the picture.
func (c Lines) axis() []string {
	bars := make([]Bar, len(c.Labels))
	for i, label := range c.Labels {
		bars[i].Label = label
	}
	return Chart{Bars: bars, Ticks: c.Ticks}.axis()
}

// strokes are the polylines of a line: one for every run of values without a gap. A lone value is drawn as a short dash.
func (c Lines) strokes(l Line) []string {
	scale := 100 / float64(c.top())
	var all, run []string
	end := func(x float64) {
		if len(run) == 1 {
			_, y, _ := strings.Cut(run[0], ",")
			run = []string{number(x-2) + "," + y, number(x+2) + "," + y}
		}
		if len(run) > 0 {
			all = append(all, strings.Join(run, " "))
		}
		run = nil
	}
	for i, v := range l.Values {
		if v == 0 {
			end(float64(i-1) * 10)
			continue
		}
		y := 100 - float64(v)/float64(time.Millisecond)*scale
		run = append(run, strconv.Itoa(i*10)+","+number(y))
	}
	end(float64(len(l.Values)-1) * 10)
	return all
}
