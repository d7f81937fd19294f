// Package historytest gives a history.FS in memory, for tests: it counts what
// is done, fails what it is told to fail, and forgets at a loss of power what
// was not synced. Only tests import it.
//
//	FORGET  after Lose each name in a folder is as it was when the folder was last
//	        synced, or as it became since, one by one; of octets that were written
//	        after a file was last synced any number is there, with zeros behind them
//	DROPPED octets whose sync failed are taken for synced by the next sync, and are
//	        not (as Linux has it): only what is written anew is kept
package historytest
