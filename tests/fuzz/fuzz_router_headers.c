/* SPDX-License-Identifier: Apache-2.0 */
/* The input is a script of bindings and messages of a headers exchange, run on the
 * index and on RabbitMQ's rule as it reads (headers_model.h). */
#include "unit/mapping/headers_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	headers_script(view_of(data, size));
	return 0;
}
