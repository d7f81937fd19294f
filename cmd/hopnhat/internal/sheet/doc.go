// Package sheet reads and writes tables as offices keep them: workbooks
// (.xlsx) and text (.csv), known by their content. It knows neither names nor
// addresses: package workspace gives rows their meaning.
//
// Invariants, by name:
//
//	PLACE    every cell knows its sheet, row and column, and every finding says them
//	BOUNDED  sizes, rows, columns and cells have limits, whatever a file claims, and so has
//	         memory: a workbook is measured before the library takes it apart
//	SEEN     hidden sheets, hidden rows, merged cells and text struck through are reported, never dropped in silence
//	BACK     a table that Write wrote, Read reads with the same texts
//	INERT    Write makes no cell that a spreadsheet would compute
//
// A place is a zones.Place whose File is "book.xlsx[Sheet]" (a text file's own
// name), whose Line is the row and whose Column is the column.
//
// Ids of findings: T-READ, T-FORMAT, T-ENCODING, T-LIMIT, T-QUOTE, T-HIDDEN,
// T-STRUCK, T-MERGED, T-FORMULA, T-HEADER, T-COLUMN, T-NUMBER.
//
// Where to change what: read.go tells the formats apart, measure.go says what a
// workbook would take, xlsx.go and csv.go read them, told.go gathers what is
// told once, encoding.go knows the code pages, header.go finds the columns,
// octets.go reads numbers that were addresses, write.go writes.
package sheet
