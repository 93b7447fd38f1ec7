/* build.h - compile DIR's text tables to DIR/config.cdb
 *
 * Source  doc/quail-tables.5
 * Test    tests/build_test.c
 */
#ifndef QUAIL_CDB_BUILD_H
#define QUAIL_CDB_BUILD_H

#include "cdb/report.h"

/* What was in place before the last build that changed something. */
#define BUILD_PREVIOUS "config.cdb.old"

enum build_result {
	BUILD_DONE,   /* the new configuration is in place, on disk */
	BUILD_WRONG,  /* the tables have errors: nothing was replaced */
	BUILD_FAILED, /* a system call failed, as the last error line says */
	BUILD_NO_ROOM /* so did one, because the disk is full or a quota is
		       * used up: the tables are right, nothing was replaced */
};

/* config_build - check all tables together and replace config.cdb
 *
 * The one that was in place stays beside it as BUILD_PREVIOUS, unless the new
 * one is the same byte for byte: then nothing is written at all.
 *
 * Takes    dir, a path; report, to which all errors and warnings are added.
 * Returns  see enum build_result.
 * Keeps    blocks while another build of the same dir is under way; does
 *          not log.
 */
enum build_result
config_build(const char *dir, struct report *report);

/* config_build_as - the same into another file of the directory, which then
 * replaces only that */
enum build_result
config_build_as(const char *dir, const char *name, struct report *report);

/* config_rollback - put the previous configuration back in place
 *
 * The one in place becomes the previous one: a second call undoes the first.
 * The tables stay as they are.
 * Returns  0; -1 with one line appended to *why: nothing has changed, or, if
 *          the directory could not be synced, perhaps not for good.
 */
int
config_rollback(const char *dir, struct buf *why);

/* config_newer_table - has a table been edited since config.cdb was made?
 *
 * Returns  the name of one that has; NULL for none, and when there is no
 *          config.cdb.
 */
const char *
config_newer_table(const char *dir);

#endif
