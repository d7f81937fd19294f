package proof

import (
	"gialai.gov.vn/hopnhat/zones"
)

// line is one way in which old names come to where a walk stands: the old
// name has the same labels below a rule's From as the walk's name has below
// its To.
type line struct {
	cur cursor // OLD at the old name
}

type ruleNode struct {
	kids map[string]int32
}

// ruleTree has the rules of one view by their old and their new names.
type ruleTree struct {
	to []ruleNode
}

func (r *ruleTree) root() int32 { return 0 }

func (r *ruleTree) child(n int32, label string) int32 {
	if n < 0 {
		return -1
	}
	if c, ok := r.to[n].kids[label]; ok {
		return c
	}
	return -1
}

func (r *ruleTree) begin(*tree, []line, int32) []line { return nil }

func (r *ruleTree) down(old *tree, ls []line, label string) []line { return nil }

func (r *ruleTree) labelsFrom(l *line, more []string) []string { return more }

func (r *ruleTree) labelsTo(n int32, more []string) []string {
	if n >= 0 {
		for l := range r.to[n].kids {
			more = append(more, l)
		}
	}
	return more
}

func newRuleTree(in Input, v zones.View) *ruleTree {
	return &ruleTree{to: []ruleNode{{}}}
}
