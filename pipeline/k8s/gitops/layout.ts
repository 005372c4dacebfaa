import { SamovarError } from '../../errors.ts';
import type { Subject } from './command.ts';
import type { CodeBase } from './config.ts';

/** Where things are in the repository of manifests, by the original's rules. Every part comes from the configuration, none as typed. */

/** kustomize takes these names, in this order; the original only the first. */
export const KUSTOMIZATION_NAMES = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'] as const;
const PROD = 'prod';

export interface ServiceName {
  readonly full: string;
  readonly repo: string;
  readonly project?: string;
  readonly service?: string;
}

/** All services of a code base, sorted by their full names. */
export function servicesOf({ type, repo, projects, services }: CodeBase): readonly ServiceName[] {
  if (type === 1) return [{ full: repo, repo }];
  return projects
    .flatMap((project) =>
      services.map((service) => ({ full: `${repo}-${project}-${service}`, repo, project, service })),
    )
    .sort((a, b) => (a.full < b.full ? -1 : 1));
}

/** The folder whose kustomization names the image. Throws `refused` for what the code base does not have. */
export function imageFolder(base: CodeBase, { stage, project }: Subject): string {
  checkStage(base, stage);
  if (base.type === 1) return `${base.repo}/overlays/${stage}`;
  if (stage !== PROD) return `${base.repo}/overlays/${stage}/base`;
  return `${base.repo}/overlays/${PROD}/overlays/${checkedProject(base, project)}/base`;
}

/** The file of a service's autoscaling. Throws `refused`. */
export function autoscalingFile(base: CodeBase, { stage, project, service }: Subject): string {
  checkStage(base, stage);
  if (base.type === 1) return `${base.repo}/overlays/${stage}/hpa.yaml`;
  const known = checkedProject(base, project);
  if (service === undefined || !base.services.includes(service))
    throw new SamovarError('refused', `service(${service ?? ''}) is not supported for ${base.repo}`, {
      remedy: `Name one of its services: ${namesOf(base)}.`,
    });
  return `${base.repo}/overlays/${stage}/overlays/${known}/overlays/${service}/hpa.yaml`;
}

function namesOf(base: CodeBase): string {
  return servicesOf(base)
    .map(({ full }) => full)
    .join(', ');
}

function checkStage({ repo, stages }: CodeBase, stage: string): void {
  if (stages.includes(stage)) return;
  throw new SamovarError('refused', `stage(${stage}) is not supported for ${repo}`, {
    remedy: `Its stages: ${stages.join(', ') || 'none'}.`,
  });
}

function checkedProject({ repo, projects }: CodeBase, project: string | undefined): string {
  if (project !== undefined && projects.includes(project)) return project;
  throw new SamovarError('refused', `project(${project ?? ''}) is not supported for ${repo}`, {
    remedy: `Say project=NAME; its projects: ${projects.join(', ')}.`,
  });
}
