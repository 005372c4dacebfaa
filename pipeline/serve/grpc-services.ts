import type { Duplex, GrpcService, Unary } from './grpc.ts';
import { type Health, LIVENESS } from './health.ts';
import type { Served } from './served.ts';
import type { IssueService } from './service.ts';
import { Refusal } from './status.ts';
import { type EncodeTombstone, tombstoneIssues } from './tombstones.ts';

export const ISSUE_SERVICE = 'drghs.v1.IssueService';
export const INTERNAL_SERVICE = 'maintner.internal.InternalIssueService';
export const HEALTH_SERVICE = 'grpc.health.v1.Health';
export const REFLECTION_SERVICE = 'grpc.reflection.v1.ServerReflection';
/** What health can be asked about. */
export const HEALTH_NAMES = [ISSUE_SERVICE, INTERNAL_SERVICE, LIVENESS];

export function issueGrpc(service: IssueService): GrpcService {
  return {
    name: ISSUE_SERVICE,
    unary: {
      ListRepositories: (request) => service.listRepositories(request),
      ListIssues: (request, { signal }) => service.listIssues(request, { signal }),
      GetIssue: (request) => service.getIssue(request),
    },
  };
}

export function internalGrpc(served: Served, encode: EncodeTombstone): GrpcService {
  const tombstone: Unary = (request) => tombstoneIssues(request, served, encode);
  return { name: INTERNAL_SERVICE, unary: { TombstoneIssues: tombstone } };
}

export function healthGrpc(health: Health): GrpcService {
  return {
    name: HEALTH_SERVICE,
    // Probes have no key.
    open: true,
    unary: {
      Check: ({ service = '' }: { readonly service?: string }) => {
        const status = health.status(service);
        if (status === undefined)
          throw new Refusal('NOT_FOUND', `there is no service ${service.slice(0, 200)}`);
        return { status };
      },
    },
    streams: {
      Watch: ({ service = '' }: { readonly service?: string }, send) =>
        health.watch(service, (status) => send({ status })),
    },
  };
}

export function reflectionGrpc(answer: Duplex): GrpcService {
  return { name: REFLECTION_SERVICE, duplex: { ServerReflectionInfo: answer } };
}
