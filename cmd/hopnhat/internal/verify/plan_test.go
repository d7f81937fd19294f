package verify

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
)

func key(name, typ string) zones.Key {
	t, ok := zones.ParseType(typ)
	if !ok {
		panic(typ)
	}
	return zones.Key{Owner: zones.MustName(name), Type: t}
}

func TestClass(t *testing.T) {
	s := newSide(world(t, before+newBefore), zones.Internet)
	for _, c := range []struct{ name, typ, want string }{
		{"www.old.vn", "A", "old.vn A data"},
		{"www.old.vn", "AAAA", "old.vn no data"},
		{"old.vn", "MX", "old.vn MX apex"},
		{"x.wild.old.vn", "A", "old.vn A wildcard"},
		{"x.wild.old.vn", "MX", "old.vn no data"},
		{"ent.old.vn", "A", "old.vn empty non-terminal"},
		{"none.old.vn", "A", "old.vn no name"},
		{"x.sub.old.vn", "A", "old.vn referral"},
		{"alias.old.vn", "A", "old.vn alias A data"},
		{"alias.old.vn", "CNAME", "old.vn CNAME data"},
		{"dead.old.vn", "A", "old.vn alias no name"},
		{"out.old.vn", "A", "old.vn alias away"},
		{"cross.old.vn", "A", "old.vn alias away"},
		{"x.tree.old.vn", "A", "old.vn alias dname A wildcard"},
		{"tree.old.vn", "DNAME", "old.vn DNAME data"},
		{"www.new.vn", "A", "new.vn A data"},
		{"www.example.net", "A", "refused"},
	} {
		k := key(c.name, c.typ)
		if got := s.classOf(k, s.Resolve(k.Owner, k.Type)).String(); got != c.want {
			t.Errorf("%v: %s, want %s", k, got, c.want)
		}
	}
}

func (c class) String() string {
	s := ""
	if !c.zone.IsZero() {
		s = c.zone.Text() + " "
	}
	if c.alias {
		s += "alias "
	}
	if c.dname {
		s += "dname "
	}
	if c.typ != 0 {
		s += c.typ.String() + " "
	}
	return s + [...]string{"data", "apex", "wildcard", "no data", "empty non-terminal", "no name", "referral", "refused", "too long", "away"}[c.end]
}

// TestChoose: whatever the worlds, every class is asked, what changed comes
// first and is what a comparison of all answers finds, and limits hold.
func TestChoose(t *testing.T) {
	sampled, whole := 0, 0
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 2))
		was, now := drawn(t, rng)
		task := Task{World: now, Before: was, Seed: seed, Sample: 1 + rng.IntN(10), Changed: 1 + rng.IntN(20)}
		s := newScene(task, zones.Internet)
		changed, classes := map[zones.Key]bool{}, map[string]int{}
		for _, k := range s.keys {
			a := s.now.Resolve(k.Owner, k.Type)
			classes[s.now.classOf(k, a).String()]++
			if !alike(a, newSide(was, zones.Internet).Resolve(k.Owner, k.Type)) {
				changed[k] = true
			}
		}
		all := func(int) bool { return true }
		most := rng.IntN(2 * len(s.keys))
		c := s.choose(task, most, all)
		if c.of != len(s.keys) {
			t.Fatalf("seed %d: %d questions, want %d", seed, c.of, len(s.keys))
		}
		if len(s.keys) <= most {
			whole++
			if !slices.Equal(c.keys, s.keys) || c.sampled {
				t.Fatalf("seed %d: not all of %d were taken", seed, len(s.keys))
			}
			continue
		}
		sampled++
		if c.changed != len(changed) {
			t.Fatalf("seed %d: %d changed, want %d", seed, c.changed, len(changed))
		}
		first := min(len(changed), task.Changed)
		for i, k := range c.keys {
			if i < first && !changed[k] {
				t.Fatalf("seed %d: %v stands at %d and did not change", seed, k, i)
			}
			delete(classes, s.now.classOf(k, s.now.Resolve(k.Owner, k.Type)).String())
			if slices.Index(c.keys, k) != i {
				t.Fatalf("seed %d: %v is asked twice", seed, k)
			}
		}
		if len(classes) > 0 {
			t.Fatalf("seed %d: not asked: %v", seed, classes)
		}
		if again := s.choose(task, most, all); len(again.keys) != len(c.keys) {
			t.Fatalf("seed %d: another choice the second time", seed)
		}
	}
	t.Log(sampled, "sampled,", whole, "whole")
	if sampled < 20 || whole < 20 {
		t.Error("too few of one kind")
	}
}

// TestDraw: of what is drawn from, each is kept about as often.
func TestDraw(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var times [20]int
	for range 20000 {
		d := draw{room: 5, rng: rng}
		for i := range times {
			d.add(i)
		}
		for _, i := range d.kept {
			times[i]++
		}
	}
	for i, n := range times { // 5000 expected, standard deviation 61
		if n < 4600 || n > 5400 {
			t.Errorf("%d is kept %d times of 20000: %v", i, n, times)
		}
	}
}

// TestOnlySerial: a new serial changes no answer, a TTL does.
func TestOnlySerial(t *testing.T) {
	w := world(t, newBefore)
	v := world(t, fmt.Sprintf("== new.vn %d\nwww A 192.0.2.20\n", 9))
	l := world(t, "== new.vn 9\nwww 60 A 192.0.2.20\n")
	for _, c := range []struct {
		now  zones.World
		want int
	}{{v, 0}, {l, 1}, {world(t, "== new.vn 9\nwww A 192.0.2.20\nzzz A 192.0.2.20\n"), 1}, {world(t, "== new.vn 9\n"), 1}} {
		s := newScene(Task{World: c.now, Before: w}, zones.Internet)
		if got := s.choose(Task{Changed: 100, Sample: 1}, 0, func(int) bool { return true }).changed; got != c.want {
			t.Errorf("%d changed, want %d", got, c.want)
		}
	}
}

// TestMerged holds merging against sorting.
func TestMerged(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	row := func() (out []zones.Key) {
		for range rng.IntN(8) {
			out = append(out, zones.Key{Owner: zones.MustName(string(rune('a' + rng.IntN(5)))), Type: zones.Type(1 + rng.IntN(2))})
		}
		slices.SortFunc(out, zones.Key.Compare)
		return slices.Compact(out)
	}
	for range 2000 {
		a, b := row(), row()
		want := slices.Concat(a, b)
		slices.SortFunc(want, zones.Key.Compare)
		want = slices.Compact(want)
		if got := merged(slices.Clone(a), slices.Clone(b)); !slices.Equal(got, want) {
			t.Fatalf("%v and %v: %v, want %v", a, b, got, want)
		}
	}
}
