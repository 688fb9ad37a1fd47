"""Which action every route of the service takes: what stands in no row is closed.

A row: method (``*``: all), path as the route has it, action of `exchange.parties.access`, or ``anyone``,
``signed-in`` (whoever is somebody) or ``credential`` (a key of its own kind: a client's secret, a launch token, the
key of a sandbox). ``own``: the path names something of a party, so one of another party is refused, or not found.
``everywhere``: the route concerns all parties, so it takes a row with a star. A test calls each for each role.
"""

from __future__ import annotations

from collections.abc import Iterator

from exchange.parties.access import OPEN, SIGNED_IN, TABLE, Gate

_ROWS = """
GET    /health                                                       anyone
GET    /ready                                                        anyone
GET    /openapi.json                                                 anyone
GET    /docs/api                                                     anyone
GET    /docs/oauth2-redirect                                         anyone
*      /static                                                       anyone

POST   /oauth/token                                                  credential
POST   /oauth/revoke                                                 credential
GET    /oauth/jwks                                                   anyone
GET    /.well-known/oauth-authorization-server                       anyone
POST   /api/v1/sessions                                              credential
DELETE /api/v1/sessions                                              signed-in
GET    /api/v1/me                                                    signed-in
PUT    /api/v1/me/password                                           signed-in
DELETE /api/v1/me/sessions                                           signed-in
POST   /api/v1/parties                                               party.register everywhere
GET    /api/v1/parties                                               party.read
GET    /api/v1/parties/{party}                                       party.read
PUT    /api/v1/parties/{party}/suspension                            party.suspend everywhere
DELETE /api/v1/parties/{party}/suspension                            party.suspend everywhere
POST   /api/v1/parties/{party}/members                               party.member own
GET    /api/v1/parties/{party}/members                               party.member own
PATCH  /api/v1/parties/{party}/members/{member}                      party.member own
POST   /api/v1/parties/{party}/members/{member}/password             party.member own
DELETE /api/v1/parties/{party}/members/{member}                      party.member own
POST   /api/v1/parties/{party}/clients                               party.client own
GET    /api/v1/parties/{party}/clients                               party.client own
DELETE /api/v1/parties/{party}/clients/{client}                      party.client own
POST   /api/v1/parties/{party}/clients/{client}/secrets              party.client own
GET    /api/v1/parties/{party}/clients/{client}/secrets              party.client own
DELETE /api/v1/parties/{party}/clients/{client}/secrets/{secret}     party.client own
PUT    /api/v1/parties/{party}/clients/{client}/keys                 party.client own
POST   /api/v1/signing-keys                                          key.renew everywhere

GET    /ledger/checkpoint                                            anyone
GET    /ledger/vkey                                                  anyone
GET    /ledger/tile/entries/{path:path}                              ledger.read
GET    /ledger/tile/{level}/{path:path}                              anyone
GET    /api/v1/ledger/consistency                                    anyone
GET    /api/v1/ledger/entries                                        ledger.read
GET    /api/v1/ledger/entries/{index}                                ledger.read
GET    /api/v1/ledger/proofs/{index}                                 ledger.read
GET    /api/v1/ledger/bundle                                         ledger.export

POST   /api/v1/interfaces                                            interface.register
POST   /api/v1/interfaces/checks                                     interface.register
GET    /api/v1/interfaces                                            interface.read
GET    /api/v1/interfaces/elements/{element}                         interface.read
GET    /api/v1/interfaces/digests/{digest}                           interface.read
GET    /api/v1/interfaces/notices                                    interface.read
GET    /api/v1/interfaces/health                                     interface.read
GET    /api/v1/interfaces/proposals                                  catalogue.tidy
GET    /api/v1/interfaces/gaps                                       catalogue.tidy
GET    /api/v1/interfaces/shared                                     catalogue.tidy
GET    /api/v1/interfaces/{interface}                                interface.read
GET    /api/v1/interfaces/{interface}/reuse                          interface.read
GET    /api/v1/interfaces/{interface}/changes                        interface.read
GET    /api/v1/interfaces/{interface}/probes/latest                  interface.read
GET    /api/v1/interfaces/{interface}/subscribers                    interface.read
GET    /api/v1/interfaces/{interface}/versions/{version}/document    interface.read
PUT    /api/v1/interfaces/{interface}/subscription                   interface.read
DELETE /api/v1/interfaces/{interface}/subscription                   interface.read
POST   /api/v1/interfaces/{interface}/versions/{version}/publication interface.publish own
DELETE /api/v1/interfaces/{interface}/versions/{version}/publication interface.publish own
PUT    /api/v1/interfaces/{interface}/waiver                         interface.publish own
PUT    /api/v1/interfaces/{interface}/deprecation                    interface.publish own
DELETE /api/v1/interfaces/{interface}/deprecation                    interface.publish own
POST   /api/v1/interfaces/{interface}/retirement                     interface.publish own
POST   /api/v1/interfaces/{interface}/probes                         interface.endpoint own
PUT    /api/v1/interfaces/{interface}/endpoint                       interface.endpoint own
PUT    /api/v1/interfaces/{interface}/refresh                        interface.endpoint own
PUT    /api/v1/interfaces/{id}/credential                            interface.endpoint own
DELETE /api/v1/interfaces/{id}/credential                            interface.endpoint own
GET    /api/v1/interfaces/{id}/tables/{table}/source                 interface.endpoint own
PUT    /api/v1/interfaces/{id}/tables/{table}/source                 interface.endpoint own
DELETE /api/v1/interfaces/{id}/tables/{table}/source                 interface.endpoint own

POST   /api/v1/applications                                          application.file
GET    /api/v1/applications                                          agreement.read
GET    /api/v1/applications/{id}                                     agreement.read own
PUT    /api/v1/applications/{id}                                     application.file own
POST   /api/v1/applications/{id}/answer                              application.answer own
POST   /api/v1/applications/{id}/withdrawal                          application.file own
GET    /api/v1/agreements                                            agreement.read
GET    /api/v1/agreements/{id}                                       agreement.read own
POST   /api/v1/agreements/{id}/suspension                            agreement.suspend own
POST   /api/v1/agreements/{id}/resumption                            agreement.suspend own
POST   /api/v1/agreements/{id}/termination                           agreement.terminate own
GET    /api/v1/agreements/{id}/odrl                                  agreement.read own
GET    /api/v1/clocks                                                agreement.read
GET    /api/v1/agreements/{id}/shares                                agreement.read own
POST   /api/v1/agreements/{id}/shares                                exchange.call own
DELETE /api/v1/shares/{id}                                           agreement.terminate own
POST   /api/v1/proceedings                                           proceeding.act
GET    /api/v1/proceedings                                           agreement.read
GET    /api/v1/proceedings/{id}                                      agreement.read own
POST   /api/v1/proceedings/{id}/{verb}                               proceeding.act own
POST   /api/v1/disputed-values                                       agreement.read
GET    /api/v1/violations                                            agreement.read
POST   /api/v1/violations/{id}/clearance                             agreement.suspend everywhere
GET    /api/v1/needs/{process}                                       agreement.read
POST   /api/v1/needs/{process}/applications                          application.file
GET    /api/v1/calendar                                              anyone
GET    /api/v1/calendar/{year}                                       anyone
PUT    /api/v1/calendar/{year}                                       agreement.suspend everywhere

*      /exchange/{interface}/{path:path}                             exchange.call
*      /gateway/{interface}/{path:path}                              credential
*      /r1/{instance}/{member_class}/{member_code}/{subsystem}/{service}/{path:path} credential
GET    /listClients                                                  credential
GET    /api/v1/bulk/{agreement}/tables/{table}                       exchange.call
HEAD   /api/v1/bulk/{agreement}/tables/{table}                       exchange.call
GET    /api/v1/bulk/{agreement}/tables/{table}/budget                exchange.call
POST   /api/v1/bulk/{agreement}/tables/{table}/aggregates            exchange.call
GET    /api/v1/bulk/{agreement}/flows                                exchange.call
GET    /delta-sharing/shares                                         credential
GET    /delta-sharing/shares/{share}                                 credential
GET    /delta-sharing/shares/{share}/all-tables                      credential
GET    /delta-sharing/shares/{share}/schemas                         credential
GET    /delta-sharing/shares/{share}/schemas/{schema}/tables         credential
HEAD   /delta-sharing/shares/{share}/schemas/{schema}/tables/{table} credential
GET    /delta-sharing/shares/{share}/schemas/{schema}/tables/{table}/version credential
GET    /delta-sharing/shares/{share}/schemas/{schema}/tables/{table}/metadata credential
GET    /delta-sharing/shares/{share}/schemas/{schema}/tables/{table}/changes credential
POST   /delta-sharing/shares/{share}/schemas/{schema}/tables/{table}/query credential
POST   /delta-sharing/shares/{share}/schemas/{schema}/tables/{table}/queries/{id} credential
POST   /delta-sharing/shares/{share}/schemas/{schema}/tables/{table}/temporary-table-credentials credential
GET    /delta-sharing/files/{query}/{number}.parquet                 credential
HEAD   /delta-sharing/files/{query}/{number}.parquet                 credential
GET    /api/v1/deliveries                                            delivery.read
GET    /api/v1/deliveries/{id}                                       delivery.read own
GET    /api/v1/receipts/{id}                                         delivery.read own
GET    /api/v1/quality-findings                                      delivery.read

POST   /api/v1/push-subscriptions                                    push.subscribe
GET    /api/v1/push-subscriptions                                    push.read
GET    /api/v1/push-subscriptions/{id}                               push.read own
GET    /api/v1/push-subscriptions/{id}/messages                      push.read own
POST   /api/v1/push-subscriptions/{id}/pause                         push.subscribe own
POST   /api/v1/push-subscriptions/{id}/resume                        push.subscribe own
POST   /api/v1/push-subscriptions/{id}/secret                        push.subscribe own
POST   /api/v1/push-subscriptions/{id}/replay                        push.subscribe own
DELETE /api/v1/push-subscriptions/{id}                               push.subscribe own
POST   /api/v1/push-events                                           push.publish
GET    /api/v1/push-returns                                          push.read

*      /sandboxes                                                    credential
POST   /api/v1/sandboxes                                             sandbox.open
GET    /api/v1/sandboxes                                             sandbox.read
GET    /api/v1/sandboxes/{id}                                        sandbox.read own
GET    /api/v1/sandboxes/{id}/state                                  sandbox.read own
GET    /api/v1/sandboxes/{id}/snapshots                              sandbox.read own
GET    /api/v1/sandboxes/{id}/clock                                  sandbox.read own
GET    /api/v1/sandboxes/{id}/faults                                 sandbox.read own
GET    /api/v1/sandboxes/{id}/personas                               sandbox.read own
GET    /api/v1/sandboxes/{id}/calls                                  sandbox.read own
GET    /api/v1/sandboxes/{id}/calls.har                              sandbox.read own
GET    /api/v1/sandboxes/{id}/events                                 sandbox.read own
POST   /api/v1/sandboxes/{id}/webhook                                sandbox.open own
POST   /api/v1/sandboxes/{id}/reset                                  sandbox.open own
POST   /api/v1/sandboxes/{id}/snapshot                               sandbox.open own
POST   /api/v1/sandboxes/{id}/restore                                sandbox.open own
POST   /api/v1/sandboxes/{id}/seed                                   sandbox.open own
POST   /api/v1/sandboxes/{id}/clock                                  sandbox.open own
PUT    /api/v1/sandboxes/{id}/faults                                 sandbox.open own
DELETE /api/v1/sandboxes/{id}/faults                                 sandbox.open own
POST   /api/v1/datasets                                              dataset.request
GET    /api/v1/datasets                                              sandbox.read
GET    /api/v1/dataset-quota                                         dataset.request
GET    /api/v1/datasets/{id}                                         sandbox.read own
HEAD   /api/v1/datasets/{id}/files/{name:path}                       sandbox.read own
GET    /api/v1/datasets/{id}/files/{name:path}                       sandbox.read own
POST   /api/v1/datasets/{id}/cancellation                            dataset.request own
DELETE /api/v1/datasets/{id}                                         dataset.request own

GET    /api/v1/certifications                                        certification.read
GET    /api/v1/certifications/{identifier}                           certification.read own
GET    /api/v1/certifications/{identifier}/report.json               certification.read own
GET    /api/v1/certifications/{identifier}/report.html               certification.read own
GET    /api/v1/certifications/{identifier}/certificate               anyone
GET    /api/v1/certifications/{identifier}/reveal                    anyone
POST   /api/v1/certifications/{identifier}/revocation                certification.revoke everywhere
GET    /api/v1/certificate-revocations                               anyone
GET    /api/v1/certification-key                                     anyone

GET    /api/v1/demands                                               anyone
POST   /api/v1/demands                                               demand.publish
POST   /api/v1/demands/{demand}/orders                               order.take
GET    /api/v1/apps                                                  certification.read
POST   /api/v1/apps                                                  app.register
POST   /api/v1/apps/{app}/versions                                   app.register own
POST   /api/v1/app-versions/{app_version}/certifications             certification.request own
GET    /api/v1/matters/{matter}/listings                             anyone
POST   /api/v1/listings/{listing}/launches                           listing.launch
GET    /api/v1/handled-matters                                       matter.read
GET    /api/v1/handled-matters/{identifier}                          matter.read own
POST   /api/v1/handled-matters/{identifier}/rating                   matter.rate own
GET    /api/v1/settlements                                           settlement.read
POST   /api/v1/settlements                                           settlement.make
GET    /api/v1/settlements/{identifier}                              settlement.read
GET    /api/v1/flows                                                 flow.read
GET    /api/v1/flows/matrix                                          flow.read
GET    /api/v1/findings                                              flow.read
GET    /api/v1/flows/by/{dimension}                                  flow.read
GET    /api/v1/flows/export                                          flow.read
GET    /api/v1/flows/alarms                                          flow.read
GET    /api/v1/supervision/{department}                              flow.read own
GET    /api/v1/supervision/{department}/report.pdf                   flow.read own
GET    /api/v1/quality/tickets                                       quality.read
GET    /api/v1/quality/trends                                        quality.read
POST   /api/v1/quality/tickets/{id}/answer                           quality.answer own
POST   /api/v1/usage/codes                                           anyone
POST   /api/v1/usage/proofs                                          credential
POST   /api/v1/usage/representations                                 credential
GET    /api/v1/usage                                                 credential
GET    /api/v1/usage/receipts/{entry}                                credential
GET    /findusage/v2/findUsage                                       credential
GET    /findusage/v2/usagePeriod                                     anyone
GET    /findusage/v2/heartbeat                                       anyone
GET    /api/v1/usage/rules                                           flow.read
GET    /api/v1/usage/hidden                                          usage.rule
POST   /api/v1/usage/rules                                           usage.rule
DELETE /api/v1/usage/rules/{id}                                      usage.rule

GET    /                                                             anyone
GET    /sign-in                                                      anyone
POST   /sign-in                                                      credential
GET    /sign-in/outside                                              anyone
GET    /sign-in/outside/back                                         credential
POST   /sign-out                                                     signed-in
GET    /account                                                      signed-in
POST   /account/password                                             signed-in
POST   /account/sessions                                             signed-in
GET    /organisations                                                party.register everywhere
POST   /organisations                                                party.register everywhere
POST   /organisations/keys                                           key.renew everywhere
GET    /organisations/{party}                                        party.client own
POST   /organisations/{party}/suspension                             party.suspend everywhere
POST   /organisations/{party}/members                                party.member own
POST   /organisations/{party}/members/{member}                       party.member own
POST   /organisations/{party}/clients                                party.client own
POST   /organisations/{party}/clients/{client}                       party.client own
GET    /catalogue                                                    anyone
GET    /catalogue/{identifier}                                       anyone
GET    /catalogue/{identifier}/reference                             anyone
GET    /catalogue/{identifier}/document                              anyone
GET    /catalogue/{identifier}/changes                               anyone
*      /catalogue/{identifier}/try/{path:path}                       anyone
GET    /catalogue/departments                                        anyone
GET    /catalogue/publish                                            interface.register
POST   /catalogue/publish                                            interface.register
POST   /catalogue/register                                           interface.register
GET    /catalogue/review                                             catalogue.tidy
POST   /catalogue/{identifier}/endpoint                              interface.endpoint own
POST   /catalogue/{identifier}/probes                                interface.endpoint own
POST   /catalogue/{identifier}/refresh                               interface.endpoint own
POST   /catalogue/{identifier}/waiver                                interface.publish own
POST   /catalogue/{identifier}/publication                           interface.publish own
POST   /catalogue/{identifier}/withdrawal                            interface.publish own
POST   /catalogue/{identifier}/deprecation                           interface.publish own
POST   /catalogue/{identifier}/keeping                               interface.publish own
POST   /catalogue/{identifier}/retirement                            interface.publish own
POST   /catalogue/{identifier}/subscription                          interface.read
POST   /catalogue/{identifier}/unsubscription                        interface.read
GET    /notices                                                      interface.read
GET    /testing                                                      sandbox.read
POST   /testing                                                      sandbox.open
GET    /testing/{id}                                                 sandbox.read own
GET    /testing/{id}/people                                          sandbox.read own
POST   /testing/{id}/reset                                           sandbox.open own
POST   /testing/{id}/snapshot                                        sandbox.open own
POST   /testing/{id}/restore                                         sandbox.open own
POST   /testing/{id}/seed                                            sandbox.open own
POST   /testing/{id}/clock                                           sandbox.open own
POST   /testing/{id}/faults                                          sandbox.open own
POST   /testing/{id}/faults/remove                                   sandbox.open own
POST   /testing/{id}/faults/plan                                     sandbox.open own
GET    /datasets                                                     sandbox.read
GET    /datasets/new                                                 dataset.request
POST   /datasets/new                                                 dataset.request
GET    /datasets/{identifier}                                        sandbox.read own
POST   /datasets/{identifier}/cancellation                           dataset.request own
POST   /datasets/{identifier}/deletion                               dataset.request own
GET    /market                                                       anyone
GET    /market/{matter}                                              anyone
POST   /market/{matter}/{listing}                                    listing.launch
POST   /market/{matter}/{listing}/submission                         listing.launch
GET    /certifications/{identifier}                                  anyone
GET    /applications                                                 agreement.read
POST   /applications/{identifier}                                    application.answer own
GET    /applications/new                                             application.file
POST   /applications/new                                             application.file
GET    /applications/{identifier}                                    agreement.read own
GET    /applications/{identifier}/completion                         application.file own
POST   /applications/{identifier}/completion                         application.file own
POST   /applications/{identifier}/withdrawal                         application.file own
GET    /agreements/{identifier}                                      agreement.read own
POST   /agreements/{identifier}/{verb}                               agreement.read own
GET    /duties/{subject}                                             agreement.read own
GET    /agreements/{identifier}/shares                               agreement.read own
POST   /agreements/{identifier}/shares                               exchange.call own
POST   /agreements/{identifier}/shares/{share}/revocation            agreement.terminate own
GET    /pushes                                                       push.read
GET    /pushes/new                                                   push.subscribe
POST   /pushes/new                                                   push.subscribe
GET    /pushes/{identifier}                                          push.read own
POST   /pushes/{identifier}/{verb}                                   push.subscribe own
POST   /proceedings                                                  proceeding.act
POST   /proceedings/{identifier}/{verb}                              proceeding.act own
GET    /violations                                                   agreement.read
POST   /violations/{identifier}                                      agreement.suspend everywhere
GET    /needs                                                        agreement.read
GET    /needs/{process}                                              agreement.read
POST   /needs/{process}                                              application.file
GET    /calendar                                                     anyone
POST   /calendar                                                     agreement.suspend everywhere
GET    /flows                                                        flow.read
GET    /flows/unusual                                                flow.read
GET    /supervision                                                  flow.read
GET    /supervision/{department}                                     flow.read own
GET    /quality                                                      quality.read
POST   /quality/{id}                                                 quality.answer own
GET    /disclosure                                                   usage.rule
POST   /disclosure                                                   usage.rule
POST   /disclosure/{id}/end                                          usage.rule
GET    /my-data                                                      anyone
POST   /my-data                                                      anyone
POST   /my-data/code                                                 anyone
POST   /my-data/end                                                  anyone
GET    /my-data/child                                                anyone
POST   /my-data/child                                                credential
GET    /my-data/child/receipts/{entry}                               credential
GET    /my-data/receipts/{entry}                                     credential
GET    /ledger                                                       anyone
GET    /ledger/witnesses                                             anyone
GET    /mine                                                         matter.read
POST   /mine/{identifier}/rating                                     matter.rate own
GET    /settlements                                                  settlement.read
GET    /{page}                                                       anyone
"""


def _read(rows: str) -> Iterator[tuple[tuple[str, str], Gate]]:
    for row in filter(None, rows.splitlines()):
        method, path, action, *words = row.split()
        if action not in TABLE and action not in OPEN and action != SIGNED_IN:
            raise KeyError(f"no action {action} for {method} {path}")
        yield (method, path), Gate(action, own="own" in words, everywhere="everywhere" in words)


GATES = dict(_read(_ROWS))
"""(method, path) → `Gate`, in the order of the features."""
