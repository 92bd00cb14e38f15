// SPDX-License-Identifier: Apache-2.0
// AWS's SDK for JavaScript v3 and sqs-consumer, unchanged: main.mjs HOME PORT BROKER
// [NAME-PART…], see ../external.py.
import './messages.mjs';
import './queues.mjs';
import './errors.mjs';
import './consumer.mjs';
import './topics.mjs';
import { main } from './rig.mjs';

await main();
