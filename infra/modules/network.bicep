// The private network: a subnet for the app's outgoing calls, and private endpoints of storage and vault. Network and
// DNS zones are made here, or are there already (a hub's).

import { networkOptions } from '../types.bicep'

param name string
param location string
param tags object
param options networkOptions
param hostAccountId string
param landingAccountId string
param vaultId string

var isNew = empty(options.appSubnetId)
var makeZones = options.dnsZones == 'create'

// https://learn.microsoft.com/azure/private-link/private-endpoint-dns
var zoneNames = {
  blob: 'privatelink.blob.${environment().suffixes.storage}'
  queue: 'privatelink.queue.${environment().suffixes.storage}'
  table: 'privatelink.table.${environment().suffixes.storage}'
  vault: replace('privatelink${environment().suffixes.keyvaultDns}', '.vault.', '.vaultcore.')
}

var endpoints = [
  { name: 'host-blob', target: hostAccountId, part: 'blob' }
  { name: 'host-queue', target: hostAccountId, part: 'queue' }
  { name: 'host-table', target: hostAccountId, part: 'table' }
  { name: 'landing-blob', target: landingAccountId, part: 'blob' }
  { name: 'landing-queue', target: landingAccountId, part: 'queue' }
  { name: 'vault', target: vaultId, part: 'vault' }
]

resource appGroup 'Microsoft.Network/networkSecurityGroups@2025-05-01' = if (isNew) {
  name: '${name}-app'
  location: location
  tags: tags
}

resource endpointGroup 'Microsoft.Network/networkSecurityGroups@2025-05-01' = if (isNew) {
  name: '${name}-endpoints'
  location: location
  tags: tags
}

resource network 'Microsoft.Network/virtualNetworks@2025-05-01' = if (isNew) {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [options.addressPrefix]
    }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: cidrSubnet(options.addressPrefix, int(split(options.addressPrefix, '/')[1]) + 1, 0)
          networkSecurityGroup: { id: appGroup.id }
          // Entra ID, telemetry and an Airflow on the internet are outside. For a way out of your own (a NAT gateway, a
          // hub's firewall) bring the subnet.
          defaultOutboundAccess: true
          delegations: [
            {
              name: 'flex-consumption'
              properties: { serviceName: 'Microsoft.App/environments' }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(options.addressPrefix, int(split(options.addressPrefix, '/')[1]) + 1, 1)
          networkSecurityGroup: { id: endpointGroup.id }
          privateEndpointNetworkPolicies: 'Enabled'
        }
      }
    ]
  }
}

var noSubnet = 'EXISTING_APP_SUBNET_ID is set, but EXISTING_ENDPOINT_SUBNET_ID, a subnet for private endpoints, is not.'
var oldSubnetId = isNew || !empty(options.endpointSubnetId) ? options.endpointSubnetId : fail(noSubnet)
var endpointSubnetId = isNew ? '${network.id}/subnets/endpoints' : oldSubnetId

// The network that is linked to new zones.
var linkedNetworkId = isNew ? network.id : split(options.appSubnetId, '/subnets/')[0]

var newZones = makeZones ? items(zoneNames) : []

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for item in newZones: {
    name: item.value
    location: 'global'
    tags: tags
  }
]

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (item, index) in newZones: {
    parent: zone[index]
    name: name
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: linkedNetworkId }
    }
  }
]

resource endpoint 'Microsoft.Network/privateEndpoints@2025-05-01' = [
  for item in endpoints: {
    name: '${name}-${item.name}'
    location: location
    tags: tags
    properties: {
      subnet: { id: endpointSubnetId }
      privateLinkServiceConnections: [
        {
          name: item.name
          properties: {
            privateLinkServiceId: item.target
            groupIds: [item.part]
          }
        }
      ]
    }
  }
]

// /subscriptions/<id>/resourceGroups/<name>
var zoneGroup = split(makeZones ? resourceGroup().id : options.dnsZoneGroupId, '/')

var recorded = options.dnsZones == 'none' ? [] : endpoints

resource records 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = [
  for (item, index) in recorded: {
    parent: endpoint[index]
    dependsOn: [zone]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: item.part
          properties: {
            privateDnsZoneId: resourceId(
              zoneGroup[2],
              zoneGroup[4],
              'Microsoft.Network/privateDnsZones',
              zoneNames[item.part]
            )
          }
        }
      ]
    }
  }
]

output appSubnetId string = isNew ? '${network.id}/subnets/app' : options.appSubnetId
