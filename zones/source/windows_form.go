package source

import (
	"bytes"
	"regexp"
	"strings"
)

// The forms in which Windows gives a zone.
const (
	formDNS   = iota // a zone file: %SystemRoot%\System32\dns\*.dns, dnscmd /ZoneExport, Export-DnsServerZone
	formPrint        // dnscmd /ZonePrint
	formEnum         // dnscmd /EnumRecords
	formBare         // the lines of a listing without its header and its end
	formCSV          // Get-DnsServerResourceRecord | … | Export-Csv
)

// winForm is what a file is known to be, from its content.
type winForm struct {
	kind   int
	zone   string // the zone that the file says it holds
	scope  string // the scope of the zone that the file says it holds; "" is the zone itself
	zoneAt winSpot
	refuse string // why the file cannot be read
	at     winSpot
	mend   func(zone string) string
	comma  byte    // of formCSV
	header winSpot // of formCSV: where the row of headings begins
}

// soaMend says how to come by the SOA record.
func (f winForm) soaMend(zone string) string {
	switch f.kind {
	case formEnum, formBare, formPrint:
		return "list the whole zone: dnscmd /ZonePrint " + zone + " > FILE"
	case formCSV:
		return "export all types (no -RRType, no Where-Object): " + mendCSV(zone)
	}
	return mendExport(zone)
}

// mendExport is the command that gives a zone whole.
func mendExport(zone string) string {
	return "run on the server, in PowerShell: Export-DnsServerZone -Name " + zone + " -FileName " + zone + `.txt, and take the file %SystemRoot%\System32\dns\` + zone + ".txt"
}

// mendCSV is the command that gives a zone as a table that can be read.
func mendCSV(zone string) string {
	return "Get-DnsServerResourceRecord -ZoneName " + zone + ` | Select-Object HostName,RecordType,TimeToLive,Timestamp,@{n='RecordData';e={$d=$_.RecordData; switch($_.RecordType) {` +
		` 'A' {$d.IPv4Address} 'AAAA' {$d.IPv6Address} 'CNAME' {$d.HostNameAlias} 'DNAME' {$d.DomainNameAlias} 'NS' {$d.NameServer} 'PTR' {$d.PtrDomainName}` +
		` 'MX' {"$($d.Preference) $($d.MailExchange)"} 'SRV' {"$($d.Priority) $($d.Weight) $($d.Port) $($d.DomainName)"}` +
		` 'TXT' {'"'+($d.DescriptiveText -replace '([\\"])','\$1')+'"'}` +
		` 'SOA' {"$($d.PrimaryServer) $($d.ResponsiblePerson) $($d.SerialNumber) $($d.RefreshInterval.TotalSeconds) $($d.RetryDelay.TotalSeconds) $($d.ExpireLimit.TotalSeconds) $($d.MinimumTimeToLive.TotalSeconds)"}` +
		` default {$d.Data} }}} | Export-Csv -NoTypeInformation -Encoding UTF8 ` + zone + ".csv"
}

// The limits of what is looked at to recognise a file.
const (
	maxHeadLines  = 200
	maxHeadOctets = 256 << 10
)

// consoleRow is a row of the console's list: the type stands in words, with its
// mnemonic in parentheses, as in www, Host (A), 192.0.2.1.
var consoleRow = regexp.MustCompile(`(?m)^"?[^;\t,\r\n"][^\t,\r\n]*[\t,]"?[^\t,\r\n"]+ \((SOA|NS|A|AAAA|CNAME|MX|PTR|SRV|TXT)\)"?[\t,]`)

// recognise tells the form of a file from its content.
func recognise(buf []byte) winForm {
	f := winForm{kind: formDNS, mend: mendExport}
	refuse := func(at winSpot, why string) winForm {
		f.refuse, f.at = why, at
		return f
	}
	x := newWinLexer(buf)
	if consoleRow.Match(buf[:min(len(buf), maxHeadOctets)]) {
		return refuse(x.at, "this is what Export List in the DNS console writes, without the TTLs and most of the SOA record")
	}
	sure, first := false, true
	for n := 0; n < maxHeadLines && !x.done() && x.at.offset < maxHeadOctets; n++ {
		at, line := x.at, bytes.TrimSpace(x.rest())
		x.pass()
		if len(line) > 4096 {
			line = line[:4096]
		}
		if len(line) == 0 {
			continue
		}
		low := strings.ToLower(string(line))
		if first {
			switch {
			case strings.HasPrefix(low, "pk\x03\x04"):
				return refuse(at, "this is a workbook of a spreadsheet")
			case strings.HasPrefix(low, "<"):
				return refuse(at, "this is XML")
			case strings.HasPrefix(low, "{"), low == "[", strings.HasPrefix(low, "[{"):
				return refuse(at, "this is JSON")
			case strings.HasPrefix(low, "#type "), strings.HasPrefix(low, "sep="):
				continue
			}
			if c, ok := csvHeader(line); ok {
				f.kind, f.comma, f.header = formCSV, c, at
				return f
			}
			first = false
		}
		words := strings.Fields(low)
		switch {
		case low[0] == ';':
			zone, scope, kind := headZone(string(line))
			if zone != "" && f.zone == "" {
				f.zone, f.scope, f.zoneAt, f.kind, sure = zone, scope, at, kind, true
			}
		case strings.HasPrefix(low, "enumerated zone list"):
			return refuse(at, "this is the list of the server's zones, without their records")
		case words[0] == "hostname" && len(words) > 2 && strings.HasPrefix(words[1], "recordtype"):
			return refuse(at, "this is a table as PowerShell shows it, cut to the width of the window")
		case len(words) > 1 && words[1] == ":" && (words[0] == "hostname" || words[0] == "distinguishedname"):
			return refuse(at, "this is a list as PowerShell shows it")
		case strings.HasPrefix(words[0], "dwflags") || strings.HasPrefix(low, "rpc node") || strings.HasPrefix(low, "node name"):
			return refuse(at, "this is a listing with /Detail")
		case commandOf(low) != formDNS:
			zone, _ := commandZone(string(line))
			if f.zone == "" {
				f.zone, f.zoneAt = zone, at
			}
			f.kind, sure = commandOf(low), true
		case strings.HasPrefix(low, "returned records"), strings.HasPrefix(low, "command failed"):
			if !sure {
				f.kind, sure = formEnum, true
			}
		case strings.Contains(low, "[aging:") && !sure:
			f.kind = formBare
		}
	}
	return f
}

// headZone reads the zone in a comment of Windows, and the scope if it is not
// the default one (Windows Server 2016 and later write that):
//
//	;  Database file example.vn.dns for example.vn zone.
//	;  Database file example.vn.dns for Default zone scope in zone example.vn.
//	;  Zone:   example.vn
func headZone(line string) (zone, scope string, kind int) {
	words := strings.Fields(strings.TrimLeft(line, "; \t"))
	n := len(words)
	is := func(i int, word string) bool { return i >= 0 && i < n && strings.EqualFold(words[i], word) }
	switch {
	case n == 2 && is(0, "zone:"):
		return words[1], "", formPrint
	case n < 6 || !is(0, "database") || !is(1, "file"):
	case is(n-3, "for") && is(n-1, "zone."):
		return words[n-2], "", formDNS
	case is(n-4, "scope") && is(n-3, "in") && is(n-2, "zone"):
		for i := n - 5; i > 2; i-- {
			if is(i, "for") {
				if scope = strings.Join(words[i+1:n-4], " "); strings.EqualFold(words[i+1], "default") {
					scope = ""
				}
				return strings.TrimSuffix(words[n-1], "."), scope, formDNS
			}
		}
	}
	return "", "", formDNS
}

// commandOf tells which listing a command line that stands in a file makes;
// formDNS when the line is none.
func commandOf(low string) int {
	switch {
	case !strings.Contains(low, "dnscmd"):
	case strings.Contains(low, "/zoneprint"):
		return formPrint
	case strings.Contains(low, "/enumrecords"):
		return formEnum
	}
	return formDNS
}

// commandZone gives the zone and the node of a command line.
func commandZone(line string) (zone, node string) {
	words := strings.Fields(line)
	for i, w := range words {
		switch strings.ToLower(w) {
		case "/zoneprint", "/enumrecords":
			if i+1 < len(words) {
				zone = words[i+1]
			}
			if i+2 < len(words) && strings.EqualFold(w, "/enumrecords") && !strings.HasPrefix(words[i+2], "/") {
				node = words[i+2]
			}
			return strings.Trim(zone, `"'`), strings.Trim(node, `"'`)
		}
	}
	return "", ""
}
