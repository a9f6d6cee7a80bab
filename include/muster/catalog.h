/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog: labels, settings and enrolment settings in memory, parsed, immutable, one snapshot for all loops (app->catalog);
 * made anew on a worker after a change and spread like the authorities (engine/main). Users stay in the store: they are many.
 */
#ifndef MUSTER_CATALOG_H
#define MUSTER_CATALOG_H

#include "muster/object.h"

struct mst_expr; /* a label's compiled expression, label.h */

struct mst_catalog_label {
	struct mst_object object;
	struct mst_expr *expr; /* NULL: static */
};
struct mst_catalog_setting {
	struct mst_object object;
	uint32_t *labels;     /* indices of labels it is applied to */
	uint32_t num_labels;
	uint32_t *enrollments; /* indices of enrolment settings it refers to */
	uint32_t num_enrollments;
};
/* Labels as they are asked of a device, sorted by id; standing.h. */
struct mst_question {
	uint8_t label[16];
	const struct mst_expr *expr; /* NULL: no device has it by an expression */
	bool is_static;              /* devices may have it by hand */
};
struct mst_questions {
	const struct mst_question *rows;
	uint32_t num;
	bool is_all;     /* a label that is not among the rows is no more */
	bool needs_user; /* an expression looks at users */
};
struct mst_catalog {
	struct mst_arena arena;
	uint64_t number; /* of this snapshot, grows */
	struct mst_catalog_label *labels;
	struct mst_catalog_setting *settings;
	struct mst_object *enrollments; /* secrets closed: who issues opens the record */
	uint32_t num_labels, num_settings, num_enrollments;
	struct mst_questions questions; /* all labels */
};
/* mst_catalog_load reads everything (blocks: worker, start). */
int mst_catalog_load(struct mst_catalog **out, struct mst_store *store, struct mst_err *e) MST_MUST;
void mst_catalog_free(struct mst_catalog **catalog);
/* NULL when absent. */
const struct mst_catalog_label *mst_catalog_label0(const struct mst_catalog *c, const uint8_t id[static 16]);
const struct mst_catalog_setting *mst_catalog_setting0(const struct mst_catalog *c, const uint8_t id[static 16]);
const struct mst_object *mst_catalog_enrollment0(const struct mst_catalog *c, const uint8_t id[static 16]);

#endif
