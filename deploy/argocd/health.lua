-- Health of a VoiceAgent for Argo CD: the value of the key
-- resource.customizations.health.voiceagents.dev_VoiceAgent in the ConfigMap argocd-cm.
local generation = obj.metadata.generation or 0
local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local function holds(name)
  return conditions[name] ~= nil and conditions[name].status == "True"
end
local function told(name)
  return conditions[name] ~= nil and conditions[name].message or ""
end

if (status.observedGeneration or 0) < generation or conditions.Ready == nil then
  return { status = "Progressing", message = "The operator has not seen the newest change yet." }
end
if holds("Stalled") then
  return { status = "Degraded", message = told("Stalled") }
end
if holds("Reconciling") then
  return { status = "Progressing", message = holds("Ready") and told("Reconciling") or told("Ready") }
end
if not holds("Ready") then
  return { status = "Degraded", message = told("Ready") }
end
if obj.spec ~= nil and obj.spec.suspend then
  return { status = "Suspended", message = told("Ready") }
end
return { status = "Healthy", message = told("Ready") }
