// SPDX-License-Identifier: Apache-2.0
// amqplib and rascal, unchanged: main.mjs NODE_HOME PORT BROKER [NAME-PART…], see ../external.py.
import './connection.mjs'; // has waits: first
import './publish.mjs';
import './consume.mjs';
import './define.mjs';
import './errors.mjs';
import './application.mjs';
import './recovery.mjs';
import { main } from './rig.mjs';

await main();
