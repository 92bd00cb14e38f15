/* SPDX-License-Identifier: Apache-2.0 */
/* A large body put outside of memory and waited for. */
#ifndef MQB_TESTS_SUPPORT_BLOB_NOW_H
#define MQB_TESTS_SUPPORT_BLOB_NOW_H

#include "store/blobs.h"

/* One reference; NULL: the disk did not take it. Fails the process after 60 s. */
struct body *blob_now(struct blobs *b, struct view bytes);
/* Polls until everything asked is answered. */
void blobs_settle(struct blobs *b);

#endif
