/** The messages of schemas/drghs.proto, as protobufjs takes and gives them. What has its zero value is left out. */

export interface TimestampMessage {
  readonly seconds: number;
  readonly nanos?: number;
}

export interface UserMessage {
  /** In decimal digits: it has 64 bits. */
  readonly id?: string;
  readonly login?: string;
}

export interface CommentMessage {
  readonly id?: string;
  readonly user?: UserMessage;
  readonly createdAt?: TimestampMessage;
  readonly updatedAt?: TimestampMessage;
  readonly body?: string;
}

export interface ReviewMessage {
  readonly id?: string;
  readonly actor?: UserMessage;
  readonly actorAssociation?: string;
  readonly createdAt?: TimestampMessage;
  readonly body?: string;
  readonly state?: string;
  readonly commitId?: string;
}

export interface IssueMessage {
  readonly name?: string;
  readonly title?: string;
  readonly body?: string;
  readonly priority?: number;
  readonly priorityUnknown?: boolean;
  readonly issueType?: number;
  readonly labels?: readonly string[];
  readonly createdAt?: TimestampMessage;
  readonly updatedAt?: TimestampMessage;
  readonly closedAt?: TimestampMessage;
  readonly closed?: boolean;
  readonly closedBy?: UserMessage;
  readonly isPr?: boolean;
  readonly approved?: boolean;
  readonly commit?: string;
  readonly issueId?: number;
  readonly url?: string;
  readonly assignees?: readonly UserMessage[];
  readonly reporter?: UserMessage;
  readonly comments?: readonly CommentMessage[];
  readonly reviews?: readonly ReviewMessage[];
  readonly repo?: string;
  readonly blocked?: boolean;
  readonly releaseBlocking?: boolean;
}

export interface RepositoryMessage {
  readonly name: string;
  readonly issueCount?: number;
  readonly pullRequestCount?: number;
}

export interface FieldMaskMessage {
  readonly paths?: readonly string[];
}

export interface ListRepositoriesRequest {
  readonly parent?: string;
  readonly pageSize?: number;
  readonly pageToken?: string;
  readonly filter?: string;
  readonly orderBy?: string;
}

export interface ListRepositoriesResponse {
  readonly repositories: readonly RepositoryMessage[];
  readonly nextPageToken?: string;
  readonly total?: number;
}

interface View {
  readonly comments?: boolean;
  readonly reviews?: boolean;
  readonly fieldMask?: FieldMaskMessage;
  readonly commentFilter?: string;
}

export interface ListIssuesRequest extends View {
  readonly parent?: string;
  readonly pageSize?: number;
  readonly pageToken?: string;
  readonly filter?: string;
  readonly orderBy?: string;
  readonly pullRequest?: boolean;
  readonly closed?: boolean;
}

export interface ListIssuesResponse {
  readonly issues: readonly IssueMessage[];
  readonly nextPageToken?: string;
  readonly total?: number;
}

export interface GetIssueRequest extends View {
  readonly name?: string;
}

export interface GetIssueResponse {
  readonly issue: IssueMessage;
}

export type IssueView = View;

export const PRIORITIES = ['PRIORITY_UNSPECIFIED', 'P0', 'P1', 'P2', 'P3', 'P4'] as const;
export const ISSUE_TYPES = [
  'ISSUE_TYPE_UNSPECIFIED',
  'BUG',
  'FEATURE',
  'QUESTION',
  'CLEANUP',
  'PROCESS',
] as const;
